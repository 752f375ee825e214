//! `initialize`, `ping`, `server/discover`: who the server is and what it speaks.

use jsonrpsee::types::ErrorObjectOwned;
use rmcp::model::{
    DiscoverResult, EmptyObject, InitializeResult, JsonObject, PromptsCapability, ProtocolVersion,
    ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use serde::Deserialize;

use super::{Ask, Done, Table, write};
use crate::mcp::answer::Hold;
use crate::mcp::catalogue::{Catalogue, Offers};
use crate::mcp::era::{Era, SUPPORTED, Version};
use crate::mcp::error::internal;
use crate::mcp::written::Written;

/// How long clients may keep what `server/discover` says.
const DISCOVER_TTL_MS: u64 = 60_000;

/// The one member that counts. Clients differ in how much of the rest they send.
#[derive(Deserialize)]
struct Initialize {
    #[serde(rename = "protocolVersion")]
    protocol_version: String,
}

pub(super) fn register(table: &mut Table) {
    let catalogue = table.catalogue.as_ref();
    let welcomes: Vec<_> = SUPPORTED
        .into_iter()
        .filter(|version| version.era() == Era::Legacy)
        .map(|version| (version, welcome(catalogue, version)))
        .collect();
    let (pong, discovered) = (write(&EmptyObject {}, Hold::default()), discover(catalogue));
    table.method("initialize", move |ask: Ask| {
        let done = initialize(&ask, &welcomes);
        async move { done }
    });
    table.method("ping", move |_: Ask| {
        let pong = pong.clone();
        async move { Ok(pong?.into()) }
    });
    table.method("server/discover", move |_: Ask| {
        let discovered = discovered.clone();
        async move { Ok(discovered?.into()) }
    });
}

/// A result that was written when the engine was built, or why it could not be.
type Ready = Result<Written, ErrorObjectOwned>;

fn initialize(ask: &Ask, welcomes: &[(Version, Ready)]) -> Result<Done, ErrorObjectOwned> {
    let asked: Initialize = ask.parse()?;
    let agreed = Version::negotiate(&asked.protocol_version);
    let welcome = welcomes.iter().find(|(version, _)| *version == agreed);
    let (_, welcome) = welcome.ok_or_else(internal)?;
    Ok(Done {
        written: welcome.clone()?,
        negotiated: Some(agreed),
    })
}

fn welcome(catalogue: &dyn Catalogue, version: Version) -> Ready {
    let mut result = InitializeResult::new(capabilities(catalogue.offers()))
        .with_server_info(catalogue.implementation())
        .with_protocol_version(wire(version));
    result.instructions = catalogue.instructions();
    write(&result, Hold::default())
}

fn discover(catalogue: &dyn Catalogue) -> Ready {
    let versions = SUPPORTED.into_iter().map(wire).collect();
    let mut result = DiscoverResult::new(versions, capabilities(catalogue.offers()))
        .with_server_info(catalogue.implementation());
    result.ttl_ms = DISCOVER_TTL_MS;
    result.instructions = catalogue.instructions();
    write(&result, Hold::default())
}

/// No `listChanged`, no `subscribe`, no `logging`: nothing is claimed that is not served.
fn capabilities(offers: Offers) -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = offers.tools.then(ToolsCapability::default);
    capabilities.resources = offers.resources.then(ResourcesCapability::default);
    capabilities.prompts = offers.prompts.then(PromptsCapability::default);
    capabilities.completions = offers.completions.then(JsonObject::new);
    capabilities
}

fn wire(version: Version) -> ProtocolVersion {
    match version {
        Version::V20260728 => ProtocolVersion::V_2026_07_28,
        Version::V20251125 => ProtocolVersion::V_2025_11_25,
        Version::V20250618 => ProtocolVersion::V_2025_06_18,
        Version::V20250326 => ProtocolVersion::V_2025_03_26,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_same_name_in_the_model() {
        for version in SUPPORTED {
            assert_eq!(wire(version).as_str(), version.as_str());
        }
    }

    #[test]
    fn only_what_is_offered_is_claimed() {
        let nothing = Offers {
            tools: false,
            resources: false,
            prompts: false,
            completions: false,
        };
        assert_eq!(serde_json::to_string(&capabilities(nothing)).unwrap(), "{}");
        assert_eq!(
            serde_json::to_value(capabilities(Offers::default())).unwrap(),
            serde_json::json!({"tools": {}, "resources": {}, "prompts": {}, "completions": {}})
        );
    }
}
