//! Keys and folders for the tests of all channels. Knows no network.
//!
//! The keys are made by the OpenSSL command line, so that another program has had a hand in every
//! signature that is verified here.

use std::{io::Write as _, path::PathBuf, process::Command, sync::LazyLock};

/// A key pair as OpenSSL wrote it: PEM, private and public.
pub(in crate::bank) struct Pair {
    pub(in crate::bank) private: String,
    pub(in crate::bank) public: String,
}

/// Runs OpenSSL with the text on its standard input.
pub(in crate::bank) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    use std::process::Stdio;
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the openssl command line is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

fn pair(bits: &str) -> Pair {
    let option = format!("rsa_keygen_bits:{bits}");
    let private = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &option], b"");
    let public = openssl(&["pkey", "-pubout"], &private);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Pair { private: text(private), public: text(public) }
}

pub(in crate::bank) static MERCHANT: LazyLock<Pair> = LazyLock::new(|| pair("2048"));
pub(in crate::bank) static GATEWAY: LazyLock<Pair> = LazyLock::new(|| pair("1024"));

/// A folder of its own for one test, removed at the end.
pub(in crate::bank) struct Folder(pub(in crate::bank) PathBuf);

impl Folder {
    pub(in crate::bank) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file that only its owner can read.
    pub(in crate::bank) fn secret(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
