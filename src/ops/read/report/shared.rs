//! What a read found, without where: for hosts that gave the same.

use super::ReadReport;
use crate::ops::fold::{Key, Keyed};
use serde::ser::SerializeMap;

impl ReadReport {
    /// All that is the same for every host with this content.
    pub(in crate::ops) fn write_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::File(report) => {
                map.serialize_entry("kind", report.kind)?;
                if let Some(size) = report.size {
                    map.serialize_entry("size", &size)?;
                }
                map.serialize_entry("offset", &report.offset)?;
                map.serialize_entry("truncated", &report.truncated)?;
                map.serialize_entry("mime_type", report.mime_type)?;
                map.serialize_entry("encoding", report.encoding)?;
                map.serialize_entry("content", &report.content)
            }
            Self::Directory(report) => {
                map.serialize_entry("kind", report.kind)?;
                map.serialize_entry("truncated", &report.truncated)?;
                map.serialize_entry("entries", &report.entries)
            }
            Self::Tree(report) => {
                map.serialize_entry("kind", report.kind)?;
                map.serialize_entry("truncated", &report.truncated)?;
                map.serialize_entry("entries", &report.entries)
            }
        }
    }

    /// Of a listing, which is compared as it is shown: where names are no text, the names themselves.
    pub(in crate::ops) fn names_exactly(&self, mut keyed: Keyed) -> Key {
        if let Self::Directory(report) = self {
            for name in report.entries.iter().filter_map(|e| e.name_base64.as_ref()) {
                keyed = keyed.with(name);
            }
        }
        keyed.finish()
    }
}
