//! Certificates and keys from files and memory.

use std::{fs, io::ErrorKind};

use sessile::transport::tls::{Certificates, Certified, TlsClient, Trust};

use crate::Authority;

#[test]
fn files_are_read_and_a_bad_one_is_named() {
    let dir = std::env::temp_dir().join(format!("sessile-tls-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    let (pem, key) = Authority::new().pem_for("127.0.0.1", |_| ());
    let (chain, secret) = (dir.join("server.crt"), dir.join("server.key"));
    fs::write(&chain, &pem).expect("written");
    fs::write(&secret, &key).expect("written");
    Certified::from_pem_files(&chain, &secret).expect("both are good");
    assert_eq!(Certificates::from_pem_file(&chain).expect("one").len(), 1);

    let swapped = Certified::from_pem_files(&secret, &chain).expect_err("swapped");
    assert_eq!(swapped.kind(), ErrorKind::InvalidData);
    assert!(
        swapped
            .to_string()
            .contains("server.key: there is no certificate"),
        "{swapped}"
    );
    fs::write(&secret, Authority::new().pem_for("127.0.0.1", |_| ()).1).expect("written");
    let other = Certified::from_pem_files(&chain, &secret).expect_err("another's key");
    assert!(
        other
            .to_string()
            .contains("the key is not the first certificate's"),
        "{other}"
    );
    let gone = Certificates::from_pem_file(dir.join("gone")).expect_err("no file");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    fs::remove_dir_all(&dir).expect("removed");
}

#[test]
fn what_is_no_certificate_or_no_key_says_so_and_shows_no_key() {
    let (pem, key) = Authority::new().pem_for("127.0.0.1", |_| ());
    let broken = key.replace("BEGIN", "BEGUN");
    for (pem, key) in [
        ("", &*key),
        (&pem, ""),
        (&pem, &broken),
        (&pem, &pem),
        (&key, &key),
    ] {
        let error = Certified::from_pem(pem, key).expect_err("not both");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let line = key.lines().nth(1).unwrap_or("nothing");
        assert!(!error.to_string().contains(line), "{error}");
    }
    let certified = Certified::from_pem(&pem, &key).expect("both");
    assert_eq!(format!("{certified:?}"), "Certified(1 certificates)");
    assert!(Certificates::from_der(Vec::<Vec<u8>>::new()).is_err());
    let nonsense = Certificates::from_der([b"nonsense".to_vec()]).expect("one");
    let error = TlsClient::new(Trust::roots(nonsense)).expect_err("no certificate");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn a_key_from_memory_is_good_in_der_too() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("made");
    let chain = Certificates::from_der([made.cert.der().to_vec()]).expect("one");
    Certified::from_der(chain, made.signing_key.serialize_der()).expect("its key");
}
