//! Free ports, and names and passwords that nobody else has: servers and tests of any number share one machine.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Error, file};

/// Lower-case hexadecimal of `bytes` bytes from the system's random source.
pub fn hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    let source = "/dev/urandom";
    std::fs::File::open(source)
        .and_then(|mut f| f.read_exact(&mut random))
        .map_err(file("read", source))?;
    Ok(random
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// A port on the loopback address that nobody listens on.
///
/// Taken from below the range that the kernel gives to outgoing connections (32768 and up): a broker that is killed and
/// restarted must find its port free, and a client that keeps dialling a port in that range may in the end connect to
/// itself.
pub fn port() -> Result<u16, Error> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let random = u16::from_str_radix(&hex(2)?, 16).unwrap_or_default();
    (0..COUNT)
        .map(|step| FIRST + (random % COUNT + step) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| file("bind", "127.0.0.1")(std::io::ErrorKind::AddrInUse.into()))
}
