//! AES-256-GCM written out on the bare cipher, so that it shares nothing with the daemon's. Knows no message.

use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};

const BLOCK: usize = 16;

/// The polynomial of the field, bits in the order of the bytes.
const R: u128 = 0xe1 << 120;

fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut shifted) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            product ^= shifted;
        }
        let carry = shifted & 1;
        shifted >>= 1;
        if carry == 1 {
            shifted ^= R;
        }
    }
    product
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = u128> {
    bytes.chunks(BLOCK).map(|chunk| {
        let mut block = [0; BLOCK];
        block[..chunk.len()].copy_from_slice(chunk);
        u128::from_be_bytes(block)
    })
}

/// The text sealed, and its tag behind it. The nonce has twelve bytes.
pub(super) fn seal(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(key.into());
    let encrypt = |block: [u8; BLOCK]| {
        let mut block = aes::Block::from(block);
        cipher.encrypt_block(&mut block);
        <[u8; BLOCK]>::from(block)
    };
    let counter = |count: u32| {
        let mut block = [0; BLOCK];
        block[..12].copy_from_slice(nonce);
        block[12..].copy_from_slice(&count.to_be_bytes());
        encrypt(block)
    };
    let mut sealed = plain.to_vec();
    for (chunk, count) in sealed.chunks_mut(BLOCK).zip(2..) {
        chunk.iter_mut().zip(counter(count)).for_each(|(byte, mask)| *byte ^= mask);
    }
    let hash_key = u128::from_be_bytes(encrypt([0; BLOCK]));
    let lengths = (associated.len() as u128 * 8) << 64 | (sealed.len() as u128 * 8);
    let all = blocks(associated).chain(blocks(&sealed)).chain([lengths]);
    let hash = all.fold(0, |hash, block| multiply(hash ^ block, hash_key));
    let tag = hash ^ u128::from_be_bytes(counter(1));
    sealed.extend(tag.to_be_bytes());
    sealed
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn it_seals_as_another_program_does() {
        // Made with Python's cryptography 48: texts of no bytes, of one block and of one and a bit.
        let table = [
            ("", "", "VPdxfluID97alymJb1IrZA=="),
            ("0123456789abcdef", "parking", "m9KFOxIfcPqExMYFw6malrKwsmK0WeMiqlrGgcszEJk="),
            ("{\"state\":\"入场\"}", "parking", "0MHEfEdeI++G30LiBShjSp0RUxLs4oYFJDYgYCfRP/0g7w=="),
        ];
        let (key, nonce) = (b"0123456789abcdef0123456789ABCDEF", b"fdasfqw43214");
        for (plain, associated, sealed) in table {
            let made = seal(key, nonce, associated.as_bytes(), plain.as_bytes());
            assert_eq!(BASE64_STANDARD.encode(made), sealed, "{plain:?}");
        }
    }
}
