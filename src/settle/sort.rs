//! Puts records of any number in order with a fixed amount of memory: sorted runs on disk, then one merge. Knows no row.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes of records held before they go to disk: about 250 thousand rows.
const RUN_BYTES: usize = 16 << 20;
/// Buffer of each run while all are merged.
const READ_BYTES: usize = 64 << 10;

/// Takes records in any order. A record has no line break.
#[derive(Debug)]
pub(super) struct Sorter {
    dir: PathBuf,
    name: &'static str,
    run_bytes: usize,
    bytes: Vec<u8>,
    /// Start and end of each record in `bytes`.
    records: Vec<(u32, u32)>,
    runs: Vec<File>,
}

impl Sorter {
    /// Runs are files of that name in `dir`, which are gone from there as soon as they are open.
    pub(super) fn new(dir: &Path, name: &'static str) -> Self {
        Self::with_run(dir, name, RUN_BYTES)
    }

    pub(super) fn with_run(dir: &Path, name: &'static str, run_bytes: usize) -> Self {
        let (bytes, records, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { dir: dir.to_owned(), name, run_bytes, bytes, records, runs }
    }

    /// Adds what `write` writes as one record.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        if self.bytes.len() >= self.run_bytes {
            self.spill()?;
        }
        let start = self.bytes.len() as u32;
        write(&mut self.bytes);
        self.records.push((start, self.bytes.len() as u32));
        Ok(())
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        let of = |record: &(u32, u32)| &bytes[record.0 as usize..record.1 as usize];
        self.records.sort_by(|a, b| of(a).cmp(of(b)));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let path = self.dir.join(format!("{}.{}", self.name, self.runs.len()));
        let file =
            File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        // The space is free again when the run is closed, whatever happens.
        std::fs::remove_file(&path)?;
        let mut out = BufWriter::with_capacity(READ_BYTES, file);
        for (start, end) in self.records.drain(..) {
            out.write_all(&self.bytes[start as usize..end as usize])?;
            out.write_all(b"\n")?;
        }
        self.bytes.clear();
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.runs.push(file);
        Ok(())
    }

    /// All records, in the order of their bytes.
    pub(super) fn sorted(mut self) -> io::Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
            return Ok(Sorted::Held { bytes: self.bytes, records: self.records, next: 0 });
        }
        self.spill()?;
        (self.bytes, self.records) = (Vec::new(), Vec::new());
        let mut heap = BinaryHeap::with_capacity(self.runs.len());
        for file in self.runs {
            let mut reader = BufReader::with_capacity(READ_BYTES, file);
            let mut record = Vec::new();
            if read(&mut reader, &mut record)? {
                heap.push(Reverse(Run { record, reader: Reader(reader) }));
            }
        }
        Ok(Sorted::Runs { heap })
    }
}

/// Records in order, lent one at a time.
#[derive(Debug)]
pub(super) enum Sorted {
    Held { bytes: Vec<u8>, records: Vec<(u32, u32)>, next: usize },
    Runs { heap: BinaryHeap<Reverse<Run>> },
}

impl Sorted {
    /// Puts the next record into `into`; `false`: there is none.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        into.clear();
        match self {
            Self::Held { bytes, records, next } => {
                let Some((start, end)) = records.get(*next) else { return Ok(false) };
                into.extend_from_slice(&bytes[*start as usize..*end as usize]);
                *next += 1;
                Ok(true)
            }
            Self::Runs { heap } => {
                let Some(mut least) = heap.peek_mut() else { return Ok(false) };
                let Reverse(run) = &mut *least;
                std::mem::swap(into, &mut run.record);
                if !read(&mut run.reader.0, &mut run.record)? {
                    PeekMut::pop(least);
                }
                Ok(true)
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    record: Vec<u8>,
    reader: Reader,
}

/// All readers are alike in an order of runs.
#[derive(Debug)]
struct Reader(BufReader<File>);

impl PartialEq for Reader {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Reader {}

impl PartialOrd for Reader {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reader {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

fn read(reader: &mut BufReader<File>, record: &mut Vec<u8>) -> io::Result<bool> {
    record.clear();
    if reader.read_until(b'\n', record)? == 0 {
        return Ok(false);
    }
    record.pop();
    Ok(true)
}
