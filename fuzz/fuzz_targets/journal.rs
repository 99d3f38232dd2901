//! Any bytes may stand in a segment of the journal: the check says what is wrong and never panics. Where the first
//! byte is odd, each line gets the checksum that it should have, so that what is behind it is reached too.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use feedbridge::{config::StoreConfig, store};
use libfuzzer_sys::fuzz_target;

fn directory() -> &'static PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory for the store").keep();
        fs::create_dir(directory.join("journal")).expect("a directory for the journal");
        directory
    })
}

fn segment(bytes: &[u8]) -> Vec<u8> {
    let Some((first, rest)) = bytes.split_first() else { return Vec::new() };
    if first.is_multiple_of(2) {
        return rest.to_vec();
    }
    let mut segment = Vec::new();
    for line in rest.split(|byte| *byte == b'\n') {
        segment.extend(format!("{{\"crc\":\"{:08x}\",", crc32fast::hash(line)).into_bytes());
        segment.extend_from_slice(line);
        segment.push(b'\n');
    }
    segment
}

fuzz_target!(|bytes: &[u8]| {
    let directory = directory();
    fs::write(directory.join("journal/000001.jsonl"), segment(bytes)).expect("the segment is written");
    let _ = store::check(&StoreConfig { path: directory.clone(), segment_bytes: 32 << 20 });
});
