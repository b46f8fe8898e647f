use subtle::ConstantTimeEq;

use crate::{
    canary::{Canary, sings},
    wire::Secret,
};

/// What an acceptor keeps of a session's secrets: hashes only, two at most, and the highest attempt it accepted.
///
/// Rules R1 to R5. A reply can be lost, so the secret that was just used stays valid beside the new one until the new one
/// is proven to have arrived; numbered attempts keep an abandoned link from using the old one a second time.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Keys {
    current: Hash,
    /// The one that was just used: there is one for a moment only.
    previous: Option<Box<Hash>>,
    attempt: u64,
}

/// First 16 bytes of BLAKE3: secrets are 128 random bits, so a longer hash would protect nothing more.
type Hash = [u8; 16];

/// What a presented secret and attempt are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    Valid,
    Unknown,
    /// The secret is right, but its attempt is not above the highest accepted, which is this.
    Stale(u64),
}

impl Keys {
    pub(super) fn new(first: &Secret) -> Self {
        Self {
            current: hash_secret(first),
            ..Self::default()
        }
    }

    /// Judges, changing nothing. The secret comes first: who cannot prove it learns nothing of attempts.
    pub(super) fn check(&self, secret: &Secret, attempt: u64) -> Presented {
        if !self.knows(secret) {
            Presented::Unknown
        } else if attempt <= self.attempt && !sings(Canary::AttemptNotChecked) {
            Presented::Stale(self.attempt)
        } else {
            Presented::Valid
        }
    }

    /// Whether this secret is one of the valid ones; in constant time.
    pub(super) fn knows(&self, secret: &Secret) -> bool {
        let presented = hash_secret(secret);
        let current = self.current.ct_eq(&presented);
        let previous = self
            .previous
            .as_deref()
            .unwrap_or(&self.current)
            .ct_eq(&presented);
        (current | previous).into()
    }

    /// Takes the attempt and puts `fresh` in force beside the secret that was just used.
    pub(super) fn rotate(&mut self, used: &Secret, attempt: u64, fresh: &Secret) {
        self.previous =
            (!sings(Canary::PreviousSecretDropped)).then(|| Box::new(hash_secret(used)));
        self.current = hash_secret(fresh);
        self.attempt = attempt;
    }

    /// A frame on the link that carried the newest secret: it arrived.
    pub(super) fn prove(&mut self) {
        if !sings(Canary::ProofIgnored) {
            self.previous = None;
        }
    }

    /// The highest attempt that was accepted.
    #[cfg(feature = "sim")]
    pub(super) const fn attempt(&self) -> u64 {
        self.attempt
    }
}

/// What of a secret is kept.
fn hash_secret(secret: &Secret) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(
        blake3::hash(secret.as_bytes())
            .as_bytes()
            .first_chunk::<16>()
            .unwrap_or(&[0; 16]),
    );
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: [Secret; 4] = [
        Secret::new([0; 16]),
        Secret::new([1; 16]),
        Secret::new([2; 16]),
        Secret::new([3; 16]),
    ];

    // [RESUME-13] [RESUME-15]
    #[test]
    fn a_used_secret_stays_valid_until_the_new_one_is_proven_and_no_longer() {
        let mut keys = Keys::new(&S[0]);
        assert_eq!(keys.check(&S[0], 1), Presented::Valid);
        keys.rotate(&S[0], 1, &S[1]);
        assert!(keys.knows(&S[0]) && keys.knows(&S[1]));
        keys.prove();
        assert!(!keys.knows(&S[0]) && keys.knows(&S[1]));
    }

    #[test]
    fn there_are_never_more_than_two() {
        let mut keys = Keys::new(&S[0]);
        keys.rotate(&S[0], 1, &S[1]);
        keys.rotate(&S[0], 2, &S[2]); // the reply was lost: the dialer comes with the old one again
        assert_eq!(
            S.each_ref().map(|secret| keys.knows(secret)),
            [true, false, true, false]
        );
        keys.rotate(&S[2], 3, &S[3]);
        assert_eq!(
            S.each_ref().map(|secret| keys.knows(secret)),
            [false, false, true, true]
        );
    }

    #[test]
    fn an_attempt_counts_once_and_only_for_who_knows_the_secret() {
        let mut keys = Keys::new(&S[0]);
        keys.rotate(&S[0], 7, &S[1]);
        assert_eq!(keys.check(&S[0], 7), Presented::Stale(7));
        assert_eq!(keys.check(&S[1], 6), Presented::Stale(7));
        assert_eq!(keys.check(&S[2], 6), Presented::Unknown);
        assert_eq!(keys.check(&S[1], 8), Presented::Valid);
    }

    // [SEC-1]
    #[test]
    fn what_is_kept_of_a_secret_is_not_the_secret() {
        let mut keys = Keys::new(&S[1]);
        keys.rotate(&S[1], 1, &S[2]);
        let kept = [keys.current, *keys.previous.unwrap()];
        assert_eq!(kept, [hash_secret(&S[2]), hash_secret(&S[1])]);
        assert!(S.iter().all(|secret| !kept.contains(secret.as_bytes())));
    }
}
