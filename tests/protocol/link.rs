//! The test's end of a link.

use sessile::{
    proto::{Key, LinkId},
    registry::Port,
    wire::{Beat, Frame, Resume, Secret, Terms},
};

/// The test's end of a link, and what was read from it last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    pub(crate) port: Option<Port>,
    /// How often its task had been woken when it wrote last; `None` where it writes by itself: it is new, or has just read.
    pub(crate) wrote_at: Option<u64>,
    pub(crate) session: u64,
    pub(crate) secret: Option<Secret>,
    pub(crate) terms: Terms,
    pub(crate) beat: Option<Beat>,
    pub(crate) resume: Option<Resume>,
    pub(crate) instance: [u8; 16],
}

impl Link {
    pub(crate) fn new(key: Key, id: LinkId) -> Self {
        Self {
            port: Some(Port::new(key, id)),
            ..Self::default()
        }
    }

    /// What the core knows it by, while it is open.
    pub(crate) const fn port(&self) -> Option<&Port> {
        self.port.as_ref()
    }

    /// Whether the core has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.port().is_none()
    }

    /// The newest secret that was read from any link: this one takes it over from an older one.
    pub(crate) fn proof(&self) -> Secret {
        self.secret.clone().expect("no secret was read")
    }

    pub(crate) fn note(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::Welcome(body) => {
                self.session = body.session;
                self.secret = Some(body.secret.clone());
                self.terms = body.terms;
            }
            Frame::Resumed(body) => self.secret = Some(body.secret.clone()),
            Frame::Ping(beat) | Frame::Pong(beat) => self.beat = Some(*beat),
            Frame::Resume(body) => self.resume = Some(body.clone()),
            Frame::Login(body) => {
                self.instance = body.instance;
                self.terms = body.terms;
            }
            _ => {}
        }
    }
}
