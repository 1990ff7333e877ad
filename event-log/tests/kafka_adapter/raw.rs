//! A produce request written by hand: what no well-behaved client library sends, such as a header name that is not
//! UTF-8. The layout is that of Kafka's protocol guide: Produce version 3, record batch version 2.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// Appends one record with one header to partition 0.
pub fn produce(broker: &str, topic: &str, header_name: &[u8], value: &[u8]) {
    let batch = batch(header_name, value);
    let mut request = Vec::new();
    request.extend_from_slice(&0_i16.to_be_bytes()); // Produce
    request.extend_from_slice(&3_i16.to_be_bytes()); // version
    request.extend_from_slice(&1_i32.to_be_bytes()); // correlation id
    request.extend_from_slice(&(-1_i16).to_be_bytes()); // no client id
    request.extend_from_slice(&(-1_i16).to_be_bytes()); // no transactional id
    request.extend_from_slice(&(-1_i16).to_be_bytes()); // acks=all
    request.extend_from_slice(&10_000_i32.to_be_bytes()); // timeout
    request.extend_from_slice(&1_i32.to_be_bytes()); // topics
    request.extend_from_slice(&i16::try_from(topic.len()).unwrap().to_be_bytes());
    request.extend_from_slice(topic.as_bytes());
    request.extend_from_slice(&1_i32.to_be_bytes()); // partitions
    request.extend_from_slice(&0_i32.to_be_bytes()); // partition
    sized(&mut request, &batch);

    let mut stream = TcpStream::connect(broker).unwrap();
    let mut framed = Vec::new();
    sized(&mut framed, &request);
    stream.write_all(&framed).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    // Correlation id, one topic by name, one partition: then the error code.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[at..at + 2], [0, 0], "the broker refused the record");
}

fn batch(header_name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut record = vec![0]; // attributes
    varint(&mut record, 0); // timestamp delta
    varint(&mut record, 0); // offset delta
    varint(&mut record, -1); // no key
    varint(&mut record, i64::try_from(value.len()).unwrap());
    record.extend_from_slice(value);
    varint(&mut record, 1); // headers
    varint(&mut record, i64::try_from(header_name.len()).unwrap());
    record.extend_from_slice(header_name);
    varint(&mut record, -1); // a null value

    let mut body = Vec::new(); // what the checksum covers
    body.extend_from_slice(&0_i16.to_be_bytes()); // attributes: uncompressed
    body.extend_from_slice(&0_i32.to_be_bytes()); // last offset delta
    body.extend_from_slice(&0_i64.to_be_bytes()); // first timestamp
    body.extend_from_slice(&0_i64.to_be_bytes()); // largest timestamp
    body.extend_from_slice(&(-1_i64).to_be_bytes()); // no producer id
    body.extend_from_slice(&(-1_i16).to_be_bytes()); // nor epoch
    body.extend_from_slice(&(-1_i32).to_be_bytes()); // nor sequence
    body.extend_from_slice(&1_i32.to_be_bytes()); // records
    varint(&mut body, i64::try_from(record.len()).unwrap());
    body.extend_from_slice(&record);

    let mut tail = Vec::new();
    tail.extend_from_slice(&(-1_i32).to_be_bytes()); // leader epoch
    tail.push(2); // magic
    tail.extend_from_slice(&crc32c(&body).to_be_bytes());
    tail.extend_from_slice(&body);

    let mut batch = 0_i64.to_be_bytes().to_vec(); // base offset
    sized(&mut batch, &tail);
    batch
}

fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&i32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, number: i64) {
    let mut zigzag = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        out.push((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(u8::try_from(zigzag).unwrap());
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut crc: u32, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0x82f6_3b78
            } else {
                crc >> 1
            };
        }
        crc
    })
}
