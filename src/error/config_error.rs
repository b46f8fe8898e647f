/// A limit in [`Config`](crate::Config) that is out of range, or that does not fit another one.
///
/// The text names the field, its value and what would be allowed; for a relation it names both fields.
///
/// ```
/// use sessile::Config;
/// use std::time::Duration;
///
/// let error = Config::new().lease(Duration::from_secs(2)).check().unwrap_err();
/// assert_eq!(error.field(), "lease");
/// assert_eq!(
///     error.to_string(),
///     "config: lease = 2s; allowed: at least 1.5 x heartbeat_interval (2s), that is 3s"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config: {field} = {value}; allowed: {allowed}")]
pub struct ConfigError {
    field: &'static str,
    value: String,
    allowed: String,
}

impl ConfigError {
    pub(crate) const fn new(field: &'static str, value: String, allowed: String) -> Self {
        Self {
            field,
            value,
            allowed,
        }
    }

    /// The setter's name; `reconnect.base` for a setter of [`Reconnect`](crate::Reconnect).
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The value that was refused, as text.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What would be allowed, as text.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }
}
