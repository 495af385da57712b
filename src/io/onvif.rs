//! Cameras that announce themselves: one WS-Discovery probe as ONVIF wants it, and the answers that come within a while.
//! An announcement proves nothing: it is shown to a person, and nothing in it is called. Knows no camera's language.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use quick_xml::{Reader, XmlVersion, events::Event};
use rand::{TryRng, rngs::SysRng};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout_at},
};

/// Where ONVIF devices listen.
pub const EVERYBODY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(239, 255, 255, 250)), 3702);
/// A datagram is not longer.
const BYTES_MAX: usize = 64 * 1024;
/// More cameras than any site has; the rest shouts.
const FOUND_MAX: usize = 500;
const TEXT_CHARS_MAX: usize = 120;
/// UDP loses a datagram now and then.
const ASKS: u32 = 2;

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Who sent it.
    pub from: String,
    /// The maker's name for it, and its model; empty: it does not say.
    pub name: String,
    pub hardware: String,
    /// Of its service; the first where there are several.
    pub url: String,
}

/// Asks `to`, and listens for so long; each device once, by its own lasting address.
pub async fn discover(to: SocketAddr, wait: Duration) -> std::io::Result<Vec<Announced>> {
    let here = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(here).await?;
    let id = message_id()?;
    let probe = probe(&id);
    let end = Instant::now() + wait;
    let mut found: BTreeMap<String, Announced> = BTreeMap::new();
    let mut bytes = vec![0; BYTES_MAX];
    for ask in 1..=ASKS {
        socket.send_to(probe.as_bytes(), to).await?;
        let until = if ask == ASKS { end } else { end - wait / 2 };
        while let Ok(heard) = timeout_at(until, socket.recv_from(&mut bytes)).await {
            let Ok((length, from)) = heard else { continue };
            let text = String::from_utf8_lossy(&bytes[..length]);
            for (lasting, device) in matches(&text, &id).unwrap_or_default() {
                if found.len() < FOUND_MAX {
                    found
                        .entry(lasting)
                        .or_insert(Announced { from: from.ip().to_string(), ..device });
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// A random UUID, version 4.
fn message_id() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(std::io::Error::other)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Ok(format!("uuid:{}", parts.join("-")))
}

fn probe(id: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header><w:MessageID>{id}</w:MessageID><w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header><e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"#
    )
}

/// The devices of an answer to the question with this id, each by its lasting address. `None`: it is no such answer.
fn matches(text: &str, id: &str) -> Option<Vec<(String, Announced)>> {
    let mut reader = Reader::from_str(text);
    let (mut open, mut all): (Vec<String>, Vec<(String, Announced)>) = (Vec::new(), Vec::new());
    let mut is_ours = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = local(start.name().as_ref());
                if name == "ProbeMatch" {
                    all.push(Default::default());
                }
                open.push(name);
            }
            Event::End(_) => drop(open.pop()?),
            Event::Text(said) => {
                let said = said.xml_content(XmlVersion::Implicit1_0);
                let said = said.trim();
                match (open.last().map(String::as_str), all.last_mut()) {
                    (Some("RelatesTo"), _) => is_ours |= said == id,
                    (Some("Address"), Some((lasting, _))) => said.clone_into(lasting),
                    (Some("XAddrs"), Some((_, device))) => {
                        device.url = short(said.split_whitespace().next().unwrap_or_default());
                    }
                    (Some("Scopes"), Some((_, device))) => scopes(said, device),
                    _ => {}
                }
            }
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
    }
    (is_ours && open.is_empty()).then_some(all)
}

/// Without its prefix.
fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

/// Addresses that say something, such as `onvif://www.onvif.org/name/Gate%20camera`.
fn scopes(text: &str, device: &mut Announced) {
    for scope in text.split_whitespace() {
        let Some((_, said)) = scope.split_once("onvif.org/") else { continue };
        match said.split_once('/') {
            Some(("name", name)) => device.name = short(&unescaped(name)),
            Some(("hardware", model)) => device.hardware = short(&unescaped(model)),
            _ => {}
        }
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect()
}

/// `%20` is a space; what is no such number stays.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped =
            hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%');
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(to: &str, lasting: &str, scopes: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header><a:RelatesTo>{to}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>{lasting}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes> {scopes} </d:Scopes><d:XAddrs>http://192.0.2.64/onvif/device_service http://[fe80::1]/x</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"#
        )
    }

    const SCOPES: &str = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/DS-TCG227 \
        onvif://www.onvif.org/name/Gate%20%E9%97%A8";

    #[test]
    fn an_answer_says_name_model_and_address() {
        let text = answer("uuid:1", "urn:uuid:a", SCOPES);
        let all = matches(&text, "uuid:1").unwrap();
        let device = Announced {
            from: String::new(),
            name: "Gate 门".into(),
            hardware: "DS-TCG227".into(),
            url: "http://192.0.2.64/onvif/device_service".into(),
        };
        assert_eq!(all, [("urn:uuid:a".to_owned(), device)]);
    }

    #[test]
    fn what_is_no_answer_to_us_is_none() {
        let text = answer("uuid:1", "urn:uuid:a", SCOPES);
        assert_eq!(matches(&text, "uuid:2"), None, "somebody else asked");
        for cut in [10, 200, text.len() - 5] {
            assert_eq!(matches(&text[..cut], "uuid:1"), None, "cut at {cut}");
        }
        for odd in ["", "<!DOCTYPE x><a/>", "\u{0}\u{1}", "</a>", "<a></b>"] {
            assert_eq!(matches(odd, "uuid:1"), None, "{odd:?}");
        }
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(unescaped("%zz%4"), "%zz%4");
    }

    /// One answers twice, one sends rubbish, one answers somebody else; only the second question arrives.
    #[tokio::test]
    async fn each_device_is_found_once() {
        let network = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = network.local_addr().unwrap();
        let cameras = tokio::spawn(async move {
            let mut bytes = [0; 4_096];
            network.recv_from(&mut bytes).await.unwrap();
            let (length, asker) = network.recv_from(&mut bytes).await.unwrap();
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let id = text.split("MessageID>").nth(1).unwrap().split('<').next().unwrap();
            assert!(text.contains("NetworkVideoTransmitter") && id.starts_with("uuid:"), "{text}");
            for said in [
                answer(id, "urn:uuid:a", SCOPES),
                answer(id, "urn:uuid:a", SCOPES),
                "no xml".to_owned(),
                answer("uuid:other", "urn:uuid:c", SCOPES),
                answer(id, "urn:uuid:b", ""),
            ] {
                network.send_to(said.as_bytes(), asker).await.unwrap();
            }
        });
        let found = discover(to, Duration::from_millis(600)).await.unwrap();
        cameras.await.unwrap();
        let told: Vec<_> =
            found.iter().map(|one| (one.hardware.as_str(), one.from.as_str())).collect();
        assert_eq!(told, [("DS-TCG227", "127.0.0.1"), ("", "127.0.0.1")]);
    }
}
