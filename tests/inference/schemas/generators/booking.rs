use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! types { ($name:ident, $krate:ident, $path:literal) => { mod $name {
    use super::*;
    use $krate::JsonSchema;
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(crate = $path)]
    pub struct Place { pub name: String, pub country: Option<String> }
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(crate = $path)]
    pub enum Unit { Celsius, Fahrenheit }
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(crate = $path)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    pub enum Shape { Circle { radius: f64 }, Square { side: f64 } }
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(crate = $path)]
    pub struct Node { pub label: String, #[serde(default)] pub children: Vec<Node> }
    /// What the generator is given.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(crate = $path)]
    #[serde(deny_unknown_fields)]
    pub struct Booking {
        pub title: String,
        pub guests: u8,
        pub note: Option<String>,
        pub place: Option<Place>,
        pub unit: Option<Unit>,
        pub shape: Option<Shape>,
        #[serde(default)]
        pub tags: Vec<String>,
        pub labels: Option<BTreeMap<String, i64>>,
        pub point: Option<(f64, f64)>,
        pub root: Option<Node>,
        pub anything: Option<serde_json::Value>,
    }
} } }
types!(one, schemars, "schemars");
types!(old, schemars08, "schemars08");

fn main() {
    let out = serde_json::json!({
        "schemars 1": schemars::schema_for!(one::Booking),
        "schemars 0.8": schemars08::schema_for!(old::Booking),
        "schemars 0.8, OpenAPI 3": schemars08::gen::SchemaSettings::openapi3().into_generator().into_root_schema_for::<old::Booking>(),
    });
    println!("{}", serde_json::to_string_pretty(&out).unwrap());
}
