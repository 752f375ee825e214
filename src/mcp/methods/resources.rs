//! `resources/list`, `resources/templates/list`, `resources/read`.

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResult, Resource, ResourceTemplate,
};

use super::{Ask, Done, Table};
use crate::mcp::catalogue::ResourceRead;
use crate::mcp::era::Version;
use crate::mcp::error::CallError;
use crate::mcp::finish::Finish;
use crate::mcp::lists::page;

/// How long clients may keep the lists: hosts come and go with the inventory.
const LIST_TTL_MS: u64 = 10_000;

pub(super) fn register(table: &mut Table) {
    table.method("resources/list", list);
    table.method("resources/templates/list", |ask: Ask| async move {
        templates(&ask)
    });
    table.method("resources/read", read);
}

async fn list(ask: Ask) -> Result<Done<ListResourcesResult>, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let (version, era) = (ask.context.version, ask.era());
    let resources = ask
        .catalogue
        .resources(ask.context)
        .await
        .map_err(|error| error.into_object(era))?;
    let page = page(&resources, asked.cursor.as_deref())?;
    let fit = |resource: &Resource| {
        let mut resource = resource.clone();
        strip(version, &mut resource.title, &mut resource.icons);
        resource
    };
    let mut result = ListResourcesResult::with_all_items(page.items.iter().map(fit).collect());
    result.next_cursor = page.next;
    result.finish(era, &ask.catalogue.implementation(), LIST_TTL_MS);
    Ok(result.into())
}

fn templates(ask: &Ask) -> Result<Done<ListResourceTemplatesResult>, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let version = ask.context.version;
    let templates = ask.catalogue.resource_templates(&ask.context.extensions);
    let page = page(&templates, asked.cursor.as_deref())?;
    let fit = |template: &ResourceTemplate| {
        let mut template = template.clone();
        strip(version, &mut template.title, &mut template.icons);
        template
    };
    let mut result =
        ListResourceTemplatesResult::with_all_items(page.items.iter().map(fit).collect());
    result.next_cursor = page.next;
    result.finish(version.era(), &ask.catalogue.implementation(), LIST_TTL_MS);
    Ok(result.into())
}

async fn read(ask: Ask) -> Result<Done<ReadResourceResult>, ErrorObjectOwned> {
    let asked: ReadResourceRequestParams = ask.parse()?;
    let era = ask.era();
    let read = ResourceRead {
        uri: asked.uri.clone(),
        context: ask.context,
    };
    let found = match ask.catalogue.read_resource(read).await {
        Ok(found) if found.contents.is_empty() => {
            Err(CallError::ResourceNotFound { uri: asked.uri })
        }
        outcome => outcome,
    };
    let found = found.map_err(|error| error.into_object(era))?;
    let mut result = ReadResourceResult::new(found.contents);
    result.finish(era, &ask.catalogue.implementation(), found.ttl_ms);
    Ok(Done {
        result,
        hold: found.hold,
        negotiated: None,
    })
}

/// Titles came with 2025-06-18, icons with 2025-11-25.
pub(super) fn strip<I>(version: Version, title: &mut Option<String>, icons: &mut Option<I>) {
    if version < Version::V20251125 {
        *icons = None;
    }
    if version < Version::V20250618 {
        *title = None;
    }
}
