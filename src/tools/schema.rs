//! From a tool's description to the protocol's model of it.

use super::Described;
use rmcp::model::{JsonObject, Tool};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};
use std::sync::Arc;

/// The schema of arguments of type `T`: 2020-12, everything inline, because some clients follow no
/// `$ref`.
pub(super) fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>()
}

/// The tool as the protocol lists it.
pub(super) fn tool(name: &'static str, described: Described) -> Tool {
    let Described {
        title,
        description,
        annotations,
        input,
        output,
    } = described;
    let mut input = object(input.to_value());
    // The name of a Rust type says nothing to a client.
    input.remove("title");
    input.remove("description");
    if let Some(Value::Object(properties)) = input.get_mut("properties") {
        properties.values_mut().for_each(plain);
    }
    // The fields of a failure may stand in place of a report, so nothing but `type` is certain.
    Tool::new(name, description, Arc::new(input))
        .with_title(title)
        .with_annotations(annotations)
        .with_raw_output_schema(Arc::new(object(output)))
}

/// Takes away what some clients refuse to read: formats of Rust, defaults of nothing, and `null`
/// beside the type of what may be left out.
fn plain(property: &mut Value) {
    let Value::Object(property) = property else {
        return;
    };
    property.remove("format");
    if property.get("default") == Some(&Value::Null) {
        property.remove("default");
    }
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            property.insert("type".into(), one);
        }
    }
    for inner in ["items", "additionalProperties"] {
        property.get_mut(inner).into_iter().for_each(plain);
    }
}

/// The output schema of a report with these properties, any of which a failure leaves out.
pub(super) fn report(properties: Value) -> Value {
    let mut all = object(json!({
        "code": {"type": "string", "description": "stable name of what went wrong"},
        "message": {"type": "string", "description": "one sentence about what went wrong"},
        "hint": {"type": "string", "description": "what to do about it"},
        "phase": {"type": "string", "description": "phase of connecting in which it went wrong"},
        "host": {"type": "string"},
        "outcome": {"type": "string", "description": "how it ended; of a failure: `unreachable`, `refused`, `invalid` or `failed`"},
    }));
    all.extend(object(properties));
    json!({"type": "object", "properties": all})
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
