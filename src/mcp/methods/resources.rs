//! `resources/list`, `resources/templates/list`, `resources/read`.

use std::sync::Arc;

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResult, Resource, ResourceTemplate,
};

use super::{Ask, Done, Table, write};
use crate::mcp::answer::Hold;
use crate::mcp::catalogue::{Catalogue, ResourceRead};
use crate::mcp::era::Version;
use crate::mcp::error::CallError;
use crate::mcp::finish::Finish;
use crate::mcp::lists::page;
use crate::mcp::written::{Lists, Written};

/// How long clients may keep the lists: hosts come and go with the inventory.
const LIST_TTL_MS: u64 = 10_000;

pub(super) fn register(table: &mut Table) {
    let lists = Arc::new(Lists::default());
    table.method("resources/list", move |ask: Ask| {
        list(ask, Arc::clone(&lists))
    });
    let lists = Arc::new(Lists::default());
    table.method("resources/templates/list", move |ask: Ask| {
        let done = templates(&ask, &lists);
        async move { done }
    });
    table.method("resources/read", read);
}

async fn list(ask: Ask, lists: Arc<Lists<Resource>>) -> Result<Done, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let (version, era) = (ask.context.version, ask.era());
    let resources = ask
        .catalogue
        .resources(ask.context)
        .await
        .map_err(|error| error.into_object(era))?;
    let catalogue = ask.catalogue.as_ref();
    let written = match asked.cursor.as_deref() {
        None => lists.written(&resources, version, || {
            listed(catalogue, version, &resources, None)
        }),
        cursor => listed(catalogue, version, &resources, cursor),
    };
    Ok(written?.into())
}

fn listed(
    catalogue: &dyn Catalogue,
    version: Version,
    resources: &[Resource],
    cursor: Option<&str>,
) -> Result<Written, ErrorObjectOwned> {
    let page = page(resources, cursor)?;
    let fit = |resource: &Resource| {
        let mut resource = resource.clone();
        strip(version, &mut resource.title, &mut resource.icons);
        resource
    };
    let mut result = ListResourcesResult::with_all_items(page.items.iter().map(fit).collect());
    result.next_cursor = page.next;
    result.finish(version.era(), &catalogue.implementation(), LIST_TTL_MS);
    write(&result, Hold::default())
}

fn templates(ask: &Ask, lists: &Lists<ResourceTemplate>) -> Result<Done, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let templates = ask.catalogue.resource_templates(&ask.context.extensions);
    let written = match asked.cursor.as_deref() {
        None => lists.written(&templates, ask.context.version, || {
            listed_templates(ask, &templates, None)
        }),
        cursor => listed_templates(ask, &templates, cursor),
    };
    Ok(written?.into())
}

fn listed_templates(
    ask: &Ask,
    templates: &[ResourceTemplate],
    cursor: Option<&str>,
) -> Result<Written, ErrorObjectOwned> {
    let page = page(templates, cursor)?;
    let version = ask.context.version;
    let fit = |template: &ResourceTemplate| {
        let mut template = template.clone();
        strip(version, &mut template.title, &mut template.icons);
        template
    };
    let mut result =
        ListResourceTemplatesResult::with_all_items(page.items.iter().map(fit).collect());
    result.next_cursor = page.next;
    result.finish(version.era(), &ask.catalogue.implementation(), LIST_TTL_MS);
    write(&result, Hold::default())
}

async fn read(ask: Ask) -> Result<Done, ErrorObjectOwned> {
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
    Ok(write(&result, found.hold)?.into())
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
