//! A camera that answers whoever asks the network which cameras there are (WS-Discovery). Shows no picture.

use std::{io, net::SocketAddr};

use tokio::{net::UdpSocket, task::JoinHandle};

const TYPES: &str = "dn:NetworkVideoTransmitter";

/// Dropped, it is silent.
#[derive(Debug)]
pub struct Onvif {
    /// Where it is asked.
    pub at: SocketAddr,
    task: JoinHandle<()>,
}

impl Onvif {
    /// On a port of this machine's own, as no test may shout into the network it runs in.
    pub async fn start(name: &str, hardware: &str) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let at = socket.local_addr()?;
        let (name, hardware) = (name.replace(' ', "%20"), hardware.to_owned());
        let task = tokio::spawn(async move {
            let mut bytes = [0; 8_192];
            while let Ok((length, asker)) = socket.recv_from(&mut bytes).await {
                let asked = String::from_utf8_lossy(&bytes[..length]);
                // Whoever asks for printers is not answered.
                let id = asked.split("MessageID>").nth(1).and_then(|rest| rest.split('<').next());
                let Some(id) = id.filter(|_| asked.contains(TYPES)) else { continue };
                let _ = socket.send_to(answer(id, &name, &hardware).as_bytes(), asker).await;
            }
        });
        Ok(Self { at, task })
    }
}

impl Drop for Onvif {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(id: &str, name: &str, hardware: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<env:Header><wsa:RelatesTo>{id}</wsa:RelatesTo><wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></env:Header>
<env:Body><wsd:ProbeMatches><wsd:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:sim-{hardware}</wsa:Address></wsa:EndpointReference>
<wsd:Types>{TYPES}</wsd:Types><wsd:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/{hardware} onvif://www.onvif.org/name/{name}</wsd:Scopes>
<wsd:XAddrs>http://127.0.0.1/onvif/device_service</wsd:XAddrs><wsd:MetadataVersion>1</wsd:MetadataVersion></wsd:ProbeMatch></wsd:ProbeMatches></env:Body></env:Envelope>"#
    )
}
