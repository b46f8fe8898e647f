//! Reads the vector files: `key: value` lines, blank lines between vectors, `#` comments.

/// One vector: its own keys, and the rest in the order of the file.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) limit: usize,
    pub(crate) fields: Vec<(String, String)>,
}

impl Vector {
    /// The value of a field that has to be there.
    pub(crate) fn get(&self, key: &str) -> &str {
        match self.fields.iter().find(|(name, _)| name == key) {
            Some((_, value)) => value,
            None => panic!("{}: no field {key}", self.name),
        }
    }

    pub(crate) fn number<T: TryFrom<u64>>(&self, key: &str) -> T {
        let value: u64 = self
            .get(key)
            .parse()
            .unwrap_or_else(|_| panic!("{}: {key} is no number", self.name));
        T::try_from(value).unwrap_or_else(|_| panic!("{}: {key} is too large", self.name))
    }

    pub(crate) fn hex(&self, key: &str) -> Vec<u8> {
        from_hex(self.get(key))
    }
}

/// Every vector of a file.
pub(crate) fn read(text: &str) -> Vec<Vector> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.is_empty())
        .filter(|lines| !lines.is_empty())
        .map(vector)
        .collect()
}

fn vector(lines: &[&str]) -> Vector {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        let (key, value) = line.split_once(':').expect("`key: value`");
        fields.push((
            key.to_owned(),
            value.strip_prefix(' ').unwrap_or(value).to_owned(),
        ));
    }
    let mut own = |key: &str| {
        let (found, value) = fields.remove(0);
        assert_eq!(found, key, "keys in the order of the header");
        value
    };
    let (name, bytes, limit) = (
        own("name"),
        from_hex(&own("hex")),
        own("limit").parse().expect("a limit"),
    );
    Vector {
        name,
        bytes,
        limit,
        fields,
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "two digits a byte");
    let byte = |digits: &[u8]| {
        u8::from_str_radix(str::from_utf8(digits).expect("ASCII"), 16).expect("hexadecimal")
    };
    text.as_bytes().chunks(2).map(byte).collect()
}
