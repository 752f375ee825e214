//! `tools/list` and `tools/call`.

use std::sync::Arc;

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{CallToolRequestParams, ListToolsResult, PaginatedRequestParams, Tool};

use super::{Ask, Done, Table, write};
use crate::mcp::answer::{Answer, Hold};
use crate::mcp::catalogue::ToolCall;
use crate::mcp::era::{Era, Version};
use crate::mcp::error::CallError;
use crate::mcp::finish::Finish;
use crate::mcp::lists::page;
use crate::mcp::param_header;
use crate::mcp::written::{Lists, Written};

/// How long clients may keep the list. It changes with the configuration only.
const LIST_TTL_MS: u64 = 60_000;

pub(super) fn register(table: &mut Table) {
    let lists = Arc::new(Lists::default());
    table.method("tools/list", move |ask: Ask| {
        let done = list(&ask, &lists);
        async move { done }
    });
    table.method("tools/call", call);
}

fn list(ask: &Ask, lists: &Lists<Tool>) -> Result<Done, ErrorObjectOwned> {
    let asked: PaginatedRequestParams = ask.parse()?;
    let tools = ask.catalogue.tools(&ask.context.extensions);
    let written = match asked.cursor.as_deref() {
        None => lists.written(&tools, ask.context.version, || listed(ask, &tools, None)),
        cursor => listed(ask, &tools, cursor),
    };
    Ok(written?.into())
}

fn listed(ask: &Ask, tools: &[Tool], cursor: Option<&str>) -> Result<Written, ErrorObjectOwned> {
    let page = page(tools, cursor)?;
    let version = ask.context.version;
    let tools = page
        .items
        .iter()
        .map(|tool| fit(tool.clone(), version))
        .collect();
    let mut result = ListToolsResult::with_all_items(tools);
    result.next_cursor = page.next;
    result.finish(version.era(), &ask.catalogue.implementation(), LIST_TTL_MS);
    write(&result, Hold::default())
}

/// Leaves out what `version` does not know.
fn fit(mut tool: Tool, version: Version) -> Tool {
    if version < Version::V20251125 {
        tool.icons = None;
    }
    if version < Version::V20250618 {
        if let Some(title) = tool.title.take() {
            tool.annotations
                .get_or_insert_default()
                .title
                .get_or_insert(title);
        }
        tool.output_schema = None;
        tool.meta = None;
    }
    tool
}

async fn call(ask: Ask) -> Result<Done, ErrorObjectOwned> {
    let asked: CallToolRequestParams = ask.parse()?;
    let (version, era) = (ask.context.version, ask.era());
    let name = asked.name.into_owned();
    let arguments = asked.arguments.unwrap_or_default();
    let tools = ask.catalogue.tools(&ask.context.extensions);
    let Some(tool) = tools.iter().find(|tool| tool.name == name) else {
        return Err(CallError::UnknownTool(name).into_object(era));
    };
    if let (Era::Modern, Some(headers)) = (era, &ask.link.headers) {
        param_header::check(&tool.input_schema, &arguments, headers)?;
    }
    let call = ToolCall {
        name,
        arguments,
        context: ask.context,
    };
    let answer = match ask.catalogue.call_tool(call).await {
        Ok(answer) => answer,
        Err(CallError::Arguments(why)) => Answer::text(why).failed(),
        Err(error) => return Err(error.into_object(era)),
    };
    let (mut result, hold) = answer.into_parts(version);
    result
        .result
        .finish(era, &ask.catalogue.implementation(), 0);
    Ok(write(&result, hold)?.into())
}

#[cfg(test)]
mod tests {
    use rmcp::model::JsonObject;

    use super::*;

    #[test]
    fn older_versions_see_older_tools() {
        let tool = || {
            Tool::new("t", "d", JsonObject::new())
                .with_title("T")
                .with_icons(Vec::new())
                .with_raw_output_schema(Arc::new(JsonObject::new()))
        };
        assert_eq!(fit(tool(), Version::V20260728), tool());
        assert_eq!(fit(tool(), Version::V20251125), tool());
        let middle = fit(tool(), Version::V20250618);
        assert!(middle.icons.is_none() && middle.output_schema.is_some());
        let oldest = fit(tool(), Version::V20250326);
        assert!(oldest.title.is_none() && oldest.output_schema.is_none());
        assert_eq!(oldest.annotations.unwrap().title.as_deref(), Some("T"));
    }
}
