//! `{host}://zfs`: the storage pools of a host.

use super::source::Form;
use super::subject::Source;

pub(super) const FORMS: &[Form] = &[
    Form {
        source: Source::Zfs,
        path: "",
        name: "zfs",
        title: "ZFS pools",
        description: "The ZFS pools of a host with their sizes and health, as `zpool list` shows them: web1://zfs.",
    },
    Form {
        source: Source::Zfs,
        path: "/{pool}",
        name: "zfs-pool",
        title: "State of a ZFS pool",
        description: "The state of a ZFS pool and its devices, as `zpool status` shows it: web1://zfs/tank.",
    },
    Form {
        source: Source::Zfs,
        path: "/{pool}/datasets",
        name: "zfs-datasets",
        title: "ZFS data sets",
        description: "The file systems and volumes of a ZFS pool: web1://zfs/tank/datasets.",
    },
    Form {
        source: Source::Zfs,
        path: "/snapshots",
        name: "zfs-snapshots",
        title: "ZFS snapshots",
        description: "The 50 newest ZFS snapshots of all pools of a host: web1://zfs/snapshots.",
    },
];
