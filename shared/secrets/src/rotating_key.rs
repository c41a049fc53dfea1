//! A key that seals, and while it is being rotated the one before it, which still opens.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::fields::Fields;
use crate::{IncompleteSecret, SealError, SealKey};

/// So many bytes of a key's digest are its id, which stands before what it sealed.
const ID: usize = 4;

/// The keys of a secret of their own, for one purpose.
#[derive(Debug)]
pub(crate) struct RotatingKey {
    purpose: &'static str,
    key: SecretString,
    previous: Option<SecretString>,
}

impl RotatingKey {
    /// Reads the value of `secret`, `{"key": …, "previous_key": …}`. An empty previous key is none.
    pub(crate) fn parse(secret: &'static str, purpose: &'static str, json: &str) -> Result<Self, IncompleteSecret> {
        let mut fields = Fields::read(secret, json)?;
        let (key, previous) = (fields.required("key"), fields.optional("previous_key"));
        fields.finish(key.map(|key| Self { purpose, key, previous }))
    }

    /// Seals a secret: the id of the key, then what [`SealKey::seal`] says.
    pub(crate) fn seal(&self, secret: &SecretString, context: &str) -> Result<Vec<u8>, SealError> {
        let sealed = SealKey::derive(&self.key, self.purpose)?.seal(secret, context)?;
        Ok([id(&self.key).as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] returned; `None` if neither key sealed it, or with another context.
    pub(crate) fn open(&self, sealed: &[u8], context: &str) -> Option<SecretString> {
        let (sealed_by, sealed) = sealed.split_at_checked(ID)?;
        let key = std::iter::once(&self.key).chain(&self.previous).find(|key| id(key) == *sealed_by)?;
        SealKey::derive(key, self.purpose).ok()?.open(sealed, context)
    }
}

#[expect(clippy::disallowed_methods, reason = "only hashed")]
fn id(key: &SecretString) -> [u8; ID] {
    let digest = digest(&SHA256, key.expose_secret().as_bytes());
    let mut id = [0; ID];
    id.copy_from_slice(&digest.as_ref()[..ID]);
    id
}
