//! Bytes in JSON: base64 in the standard alphabet, with padding (RFC 4648 §4).

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Bytes that are base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes());
        bytes.map(Self).map_err(|error| D::Error::custom(format_args!("not base64 with padding: {error}")))
    }
}

impl PartialSchema for Base64 {
    fn schema() -> RefOr<Schema> {
        let string = ObjectBuilder::new().schema_type(Type::String).content_encoding("base64");
        string.description(Some("Base64 in the standard alphabet, with padding")).into()
    }
}

impl ToSchema for Base64 {}
