//! Tables for spreadsheets: CSV, and XLSX as an uncompressed archive of five small files. Knows no money.

use std::fmt::Write as _;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// What a table is handed out as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Xlsx,
}

impl Form {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Nothing,
    Text(String),
    /// Digits, a point and a sign, as a program writes them: money is no float on its way here.
    Number(String),
}

/// A table with a head, row by row.
#[derive(Debug)]
pub(super) struct Sheet {
    rows: Vec<Vec<Cell>>,
}

impl Sheet {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|name| Cell::Text((*name).to_owned())).collect()] }
    }

    pub(super) fn row(&mut self, cells: &[Cell]) {
        self.rows.push(cells.to_vec());
    }

    pub(super) fn download(&self, form: Form, name: &str) -> Response {
        let (kind, end, body) = match form {
            Form::Csv => ("text/csv; charset=utf-8", "csv", self.csv().into_bytes()),
            Form::Xlsx => (
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "xlsx",
                self.xlsx(),
            ),
        };
        let disposition = format!("attachment; filename=\"{name}.{end}\"");
        let headers =
            [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
        (headers, body).into_response()
    }

    /// Begins with the mark that spreadsheets know UTF-8 by.
    fn csv(&self) -> String {
        let mut text = "\u{feff}".to_owned();
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(field).collect();
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
        text
    }

    fn xlsx(&self) -> Vec<u8> {
        let mut sheet = format!(r#"{XML}<worksheet xmlns="{MAIN}"><sheetData>"#);
        for row in &self.rows {
            sheet.push_str("<row>");
            for cell in row {
                let _ = match cell {
                    Cell::Nothing => write!(sheet, "<c/>"),
                    Cell::Number(digits) => write!(sheet, "<c><v>{digits}</v></c>"),
                    Cell::Text(text) => write!(
                        sheet,
                        r#"<c t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>"#,
                        plain(text)
                    ),
                };
            }
            sheet.push_str("</row>");
        }
        sheet.push_str("</sheetData></worksheet>");
        let types = format!(
            r#"{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#
        );
        let book = format!(
            r#"{XML}<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>"#
        );
        archive(&[
            ("[Content_Types].xml", &types),
            ("_rels/.rels", &relation("officeDocument", "xl/workbook.xml")),
            ("xl/workbook.xml", &book),
            ("xl/_rels/workbook.xml.rels", &relation("worksheet", "worksheets/sheet1.xml")),
            ("xl/worksheets/sheet1.xml", &sheet),
        ])
    }
}

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn relation(kind: &str, target: &str) -> String {
    format!(
        r#"{XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="{RELS}/{kind}" Target="{target}"/></Relationships>"#
    )
}

/// A field of a CSV line: quoted where it must be, and never taken for a formula.
fn field(cell: &Cell) -> String {
    let text = match cell {
        Cell::Nothing => return String::new(),
        Cell::Number(digits) => return digits.clone(),
        Cell::Text(text) => text,
    };
    let dash = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{dash}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{dash}{text}")
    }
}

/// Text inside XML; what XML cannot hold is left out.
fn plain(text: &str) -> String {
    let held = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n'));
    let held: String = held.filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    held.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A ZIP archive of stored files (APPNOTE 6.3.3, sections 4.3.7, 4.3.12 and 4.3.16). Each is below 4 GiB.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut index) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = out.len() as u32;
        // Version 2.0, UTF-8 names, stored, 1980-01-01.
        let mut head = Vec::new();
        head.extend([20_u16, 0x0800, 0, 0, 0x21].iter().flat_map(|word| word.to_le_bytes()));
        let size = text.len() as u32;
        head.extend([crc32(text.as_bytes()), size, size].iter().flat_map(|w| w.to_le_bytes()));
        head.extend((name.len() as u16).to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        out.extend(*b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(text.as_bytes());
        index.extend(*b"PK\x01\x02");
        index.extend(20_u16.to_le_bytes());
        index.extend(&head);
        // No comment, disk 0, no attributes.
        index.extend([0_u8; 10]);
        index.extend(offset.to_le_bytes());
        index.extend(name.as_bytes());
    }
    let (start, count) = (out.len() as u32, files.len() as u16);
    out.extend(&index);
    out.extend(*b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].iter().flat_map(|word| word.to_le_bytes()));
    out.extend([index.len() as u32, start].iter().flat_map(|word| word.to_le_bytes()));
    out.extend(0_u16.to_le_bytes());
    out
}

/// As in Ethernet: polynomial 0x04C11DB7, reflected.
fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (at, slot) in (0_u32..).zip(table.iter_mut()) {
        *slot = (0..8).fold(at, |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()));
    }
    let step = |sum: u32, byte: &u8| (sum >> 8) ^ table[((sum ^ u32::from(*byte)) & 0xff) as usize];
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(&["name", "amount"]);
        sheet.row(&[Cell::Text("a,\"b\" <&>".into()), Cell::Number("-12.50".into())]);
        sheet.row(&[Cell::Text("=1+1".into()), Cell::Nothing]);
        sheet
    }

    #[test]
    fn csv_is_quoted_and_holds_no_formula() {
        let expected = "\u{feff}name,amount\r\n\"a,\"\"b\"\" <&>\",-12.50\r\n'=1+1,\r\n";
        assert_eq!(sheet().csv(), expected);
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    /// Python's own reader takes the archive and every file in it for whole.
    #[test]
    fn others_can_open_it() {
        let path = std::env::temp_dir().join(format!("paifang-sheet-{}.xlsx", std::process::id()));
        std::fs::write(&path, sheet().xlsx()).unwrap();
        let program = "import sys, zipfile, xml.dom.minidom as m\n\
            z = zipfile.ZipFile(sys.argv[1])\n\
            assert z.testzip() is None\n\
            [m.parseString(z.read(n)) for n in z.namelist()]\n\
            d = m.parseString(z.read('xl/worksheets/sheet1.xml'))\n\
            print([t.firstChild.data for t in d.getElementsByTagName('t')],\n\
                [v.firstChild.data for v in d.getElementsByTagName('v')])";
        let said = std::process::Command::new("python3").args(["-c", program]).arg(&path).output();
        let _ = std::fs::remove_file(&path);
        let said = said.unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        let expected = "['name', 'amount', 'a,\"b\" <&>', '=1+1'] ['-12.50']";
        assert_eq!(text.trim(), expected, "{}", String::from_utf8_lossy(&said.stderr));
    }
}
