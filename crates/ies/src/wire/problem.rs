//! What the service answers when it does not do what was asked (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Why a request was not carried out. Other members depend on the code, such as `available` and
/// `requested` with `insufficient_stock`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:ies:problem:` and the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The same sentence whenever this code occurs.
    pub title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Names this one occurrence; the log has it too.
    pub instance: String,
    /// The stable code.
    pub code: String,
    /// Which command of a bulk request is the cause, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// `no`: certainly not recorded, send it again later. `unknown`: it may have been recorded,
    /// send it again with the same idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executed: Option<String>,
    /// Which members are at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InvalidMember>,
    /// The numbers behind the code.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

/// A member of the body that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvalidMember {
    /// Where it is, as a JSON Pointer (RFC 6901) into the body.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
    /// `invalid_text`, `invalid_time`, `unknown_name`, `unknown_member`, `missing_member` or
    /// `wrong_type`.
    pub code: String,
}

impl InvalidMember {
    /// A fault of the member `name` of the body's object.
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over errors and texts")]
    pub fn new(name: &str, code: &str, detail: impl ToString) -> Self {
        Self { pointer: format!("/{name}"), detail: detail.to_string(), code: code.to_owned() }
    }

    /// The same fault, of an object that is the element `index` of an array.
    pub fn in_element(self, index: usize) -> Self {
        Self { pointer: format!("/{index}{}", self.pointer), ..self }
    }
}
