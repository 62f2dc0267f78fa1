//! rskafka (Rust without C) under the suite's contract, see ../javascript/contract.mjs; it has no consumer groups, so it only produces.
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::client::ClientBuilder;
use rskafka::record::Record;

const PARTITIONS: usize = 3;
const BATCH_RECORDS: usize = 50;

type Failure = Box<dyn std::error::Error>;

fn codec(name: &str) -> Compression {
    match name {
        "none" => Compression::NoCompression,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => panic!("unknown codec {name}"),
    }
}

/// Key and value: cut at the first TAB.
fn record(line: &[u8]) -> Record {
    let tab = line.iter().position(|byte| *byte == b'\t').expect("a key, then TAB");
    Record {
        key: Some(line[..tab].to_vec()),
        value: Some(line[tab + 1..].to_vec()),
        headers: BTreeMap::new(),
        timestamp: chrono::Utc::now(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| word == name).unwrap_or_else(|| panic!("{name} is missing"));
        words[at + 1].clone()
    };
    assert_eq!(words[0], "produce", "rskafka has no consumer groups");
    let client = ClientBuilder::new(vec![option("--bootstrap")]).build().await?;
    let compression = codec(&option("--codec"));
    let input = std::fs::read(option("--input"))?;
    let lines: Vec<&[u8]> = input.strip_suffix(b"\n").unwrap_or(&input).split(|byte| *byte == b'\n').collect();
    let mut out = BufWriter::new(std::io::stdout());
    for partition in 0..PARTITIONS {
        let sender = client.partition_client(option("--topic"), partition as i32, UnknownTopicHandling::Retry).await?;
        let numbers: Vec<usize> = (partition..lines.len()).step_by(PARTITIONS).collect();
        for batch in numbers.chunks(BATCH_RECORDS) {
            let records = batch.iter().map(|number| record(lines[*number])).collect();
            let offsets = sender.produce(records, compression).await?;
            for (number, offset) in batch.iter().zip(offsets.iter()) {
                writeln!(out, "{{\"line\":{number},\"partition\":{partition},\"offset\":{offset}}}")?;
            }
        }
    }
    Ok(())
}
