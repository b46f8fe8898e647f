use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Where to dial or to listen: an IP address or a host name, and a port.
///
/// Made from `"host:port"`, `"[::1]:7000"`, `("host", 7000)` or a [`SocketAddr`], by every method that takes
/// `impl Into<Address>`. A name is resolved each time the address is used, so that a reconnect follows a
/// server that moved.
///
/// Text that is no address is kept as it is and reported when it is used, as
/// [`InvalidInput`](io::ErrorKind::InvalidInput): there is one place to handle it, beside the name that does
/// not resolve.
///
/// ```
/// use sessile::Address;
/// use std::net::Ipv4Addr;
///
/// assert_eq!(Address::from("game.example:7000").to_string(), "game.example:7000");
/// assert_eq!(Address::from(("::1", 7000)).to_string(), "[::1]:7000");
/// assert_eq!(Address::from(([127, 0, 0, 1], 7000)), "127.0.0.1:7000".into());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Socket(SocketAddr),
    Name { host: Box<str>, port: u16 },
    Bad { text: Box<str>, why: &'static str },
}

/// What an address says, once it is known to be one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Socket(SocketAddr),
    Name(&'a str, u16),
}

impl Address {
    /// What to connect to, or what is wrong with the text.
    pub(crate) fn target(&self) -> io::Result<Target<'_>> {
        match &self.0 {
            Kind::Socket(address) => Ok(Target::Socket(*address)),
            Kind::Name { host, port } => Ok(Target::Name(host, *port)),
            Kind::Bad { text, why } => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{text:?} is not an address: {why}"),
            )),
        }
    }

    fn parse(text: &str) -> Self {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Self(Kind::Socket(address));
        }
        let bad = |why| Self::bad(text, why);
        if text.contains("//") {
            return bad("a URL is not understood, write host:port");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return bad("no port, write host:port");
        };
        if text.parse::<IpAddr>().is_ok() || (host.contains(':') && !host.starts_with('[')) {
            return bad("an IPv6 address goes in brackets, as in [::1]:7000");
        }
        // `parse` would take a sign.
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return bad("the port is not a number");
        }
        match port.parse() {
            Ok(port) => Self::named(host, port, text),
            Err(_) if port.is_empty() => bad("no port after the colon"),
            Err(_) => bad("the port is above 65535"),
        }
    }

    /// `text` is what to show if it is no address.
    fn named(host: &str, port: u16, text: &str) -> Self {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if let Ok(ip) = inner.unwrap_or(host).parse::<IpAddr>() {
            return Self(Kind::Socket(SocketAddr::new(ip, port)));
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\@:[]?#%".contains(c);
        match host {
            "" => Self::bad(text, "no host, write host:port"),
            _ if inner.is_some() => Self::bad(text, "what is in brackets is no IP address"),
            _ if host.contains(odd) => Self::bad(text, "a character that no host name has"),
            // RFC 1035, 2.3.4, without the length bytes at both ends.
            _ if host.len() > 253 => Self::bad(text, "the host name is longer than 253 bytes"),
            _ => Self(Kind::Name {
                host: host.into(),
                port,
            }),
        }
    }

    fn bad(text: &str, why: &'static str) -> Self {
        let text = text.into();
        Self(Kind::Bad { text, why })
    }
}

/// As it can be written: `host:port`, or the text that is no address.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Socket(address) => write!(f, "{address}"),
            Kind::Name { host, port } => write!(f, "{host}:{port}"),
            Kind::Bad { text, .. } => write!(f, "{}", text.escape_debug()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bad { text, why } => f.debug_tuple("BadAddress").field(text).field(why).finish(),
            _ => write!(f, "Address({self})"),
        }
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<&String> for Address {
    fn from(text: &String) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(Kind::Socket(address))
    }
}

impl From<(IpAddr, u16)> for Address {
    fn from((ip, port): (IpAddr, u16)) -> Self {
        SocketAddr::new(ip, port).into()
    }
}

impl From<([u8; 4], u16)> for Address {
    fn from((ip, port): ([u8; 4], u16)) -> Self {
        (IpAddr::V4(Ipv4Addr::from(ip)), port).into()
    }
}

impl From<(&str, u16)> for Address {
    fn from((host, port): (&str, u16)) -> Self {
        Self::named(host, port, host)
    }
}

impl From<(String, u16)> for Address {
    fn from((host, port): (String, u16)) -> Self {
        (host.as_str(), port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(address: impl Into<Address>) -> String {
        let address = address.into();
        let error = address.target().expect_err("no address");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn ip_addresses_need_no_resolving() {
        let v4: SocketAddr = ([10, 0, 0, 1], 7000).into();
        let v6: SocketAddr = "[fe80::1]:7000".parse().unwrap();
        for (address, socket) in [
            (Address::from("10.0.0.1:7000"), v4),
            (("10.0.0.1", 7000).into(), v4),
            (([10, 0, 0, 1], 7000).into(), v4),
            ((v4.ip(), 7000).into(), v4),
            (v4.into(), v4),
            ("[fe80::1]:7000".to_string().into(), v6),
            (("fe80::1", 7000).into(), v6),
            (("[fe80::1]", 7000).into(), v6),
            (("fe80::1".to_string(), 7000).into(), v6),
        ] {
            assert_eq!(address.target().unwrap(), Target::Socket(socket));
            assert_eq!(address.to_string(), socket.to_string());
        }
    }

    #[test]
    fn names_are_kept() {
        for address in [
            Address::from("db-1.example.org:80"),
            ("db-1.example.org", 80).into(),
            (&"db-1.example.org:80".to_string()).into(),
            (&Address::from("db-1.example.org:080")).into(),
        ] {
            let target = Target::Name("db-1.example.org", 80);
            assert_eq!(address.target().unwrap(), target);
            assert_eq!(address.to_string(), "db-1.example.org:80");
            assert_eq!(format!("{address:?}"), "Address(db-1.example.org:80)");
        }
        let umlaut = Address::from("bücher.example:1");
        assert!(umlaut.target().is_ok(), "for the resolver to judge");
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("", "no port, write host:port"),
            ("localhost", "no port, write host:port"),
            ("127.0.0.1", "no port, write host:port"),
            (":7000", "no host, write host:port"),
            ("host:", "no port after the colon"),
            ("host:seven", "the port is not a number"),
            ("host:+7", "the port is not a number"),
            ("host:-7", "the port is not a number"),
            ("host:65536", "the port is above 65535"),
            ("host:99999999999999999999", "the port is above 65535"),
            ("::1", "an IPv6 address goes in brackets"),
            ("fe80::1:7000", "an IPv6 address goes in brackets"),
            ("fe80::zz:7000", "an IPv6 address goes in brackets"),
            ("[fe80::zz]:7000", "what is in brackets is no IP address"),
            ("tcp://host:7000", "a URL is not understood"),
            ("my host:7000", "a character that no host name has"),
            ("me@host:7000", "a character that no host name has"),
        ] {
            let said = complaint(text);
            assert!(said.contains(why), "{text:?}: {said}");
            assert!(said.starts_with(&format!("{text:?} is not")), "{said}");
            assert_eq!(Address::from(text).to_string(), text);
        }
        assert!(complaint("a".repeat(254) + ":1").contains("longer than 253 bytes"));
        assert!(complaint(("", 7000)).contains("no host"));
        assert!(complaint(("host:7000", 7000)).contains("a character"));
    }

    #[test]
    fn bad_text_cannot_write_control_characters_into_a_log() {
        let address = Address::from("a\n\u{1b}[31m");
        assert!(!complaint(address.clone()).contains(['\n', '\u{1b}']));
        assert!(!address.to_string().contains(['\n', '\u{1b}']));
        assert!(!format!("{address:?}").contains(['\n', '\u{1b}']));
    }
}
