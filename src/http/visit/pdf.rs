//! A ticket as a PDF of one page. Embeds no font: Chinese text names one that every reader brings along (ISO 32000-1,
//! 9.7.5.2 and 9.7.6.2: the predefined map `UniGB-UCS2-H`).

use pdf_writer::{
    Content, Finish, Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo},
};
use qrcode::{Color, EcLevel, QrCode};

use crate::http::{ports::Slip, words::Lang};

/// A6, in points: it fits a phone's screen, and a quarter of a sheet.
const WIDE: f32 = 298.0;
const HIGH: f32 = 420.0;
/// The code's side, its quiet zone not counted.
const SIDE: f32 = 200.0;
const LATIN: Name<'static> = Name(b"L");
const CHINESE: Name<'static> = Name(b"C");

/// The page; its code is the one on paper.
pub(super) fn of(l: Lang, site: &str, slip: &Slip) -> Vec<u8> {
    let [catalog, pages, page, latin, chinese, cid, descriptor, content] =
        [1, 2, 3, 4, 5, 6, 7, 8].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut leaf = pdf.page(page);
    leaf.media_box(Rect::new(0.0, 0.0, WIDE, HIGH)).parent(pages).contents(content);
    leaf.resources().fonts().pair(LATIN, latin).pair(CHINESE, chinese);
    leaf.finish();
    pdf.type1_font(latin).base_font(Name(b"Helvetica"));
    let song = Name(b"STSong-Light");
    let mut font = pdf.type0_font(chinese);
    font.base_font(Name(b"STSong-Light-UniGB-UCS2-H"));
    font.encoding_predefined(Name(b"UniGB-UCS2-H")).descendant_font(cid);
    font.finish();
    let registry = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"GB1"), supplement: 4 };
    let mut glyphs = pdf.cid_font(cid);
    glyphs.subtype(CidFontType::Type0).base_font(song).system_info(registry);
    glyphs.font_descriptor(descriptor).default_width(1_000.0);
    // The Latin letters of the collection are half as wide.
    glyphs.widths().same(1, 95, 500.0);
    glyphs.finish();
    pdf.font_descriptor(descriptor)
        .name(song)
        .flags(FontFlags::SYMBOLIC | FontFlags::SERIF)
        .bbox(Rect::new(-25.0, -254.0, 1_000.0, 880.0))
        .italic_angle(0.0)
        .ascent(880.0)
        .descent(-120.0)
        .cap_height(880.0)
        .stem_v(93.0);
    pdf.stream(content, &drawn(l, site, slip));
    pdf.finish()
}

fn drawn(l: Lang, site: &str, slip: &Slip) -> Vec<u8> {
    let mut page = Content::new();
    page.set_fill_rgb(0.043, 0.361, 0.835).rect(0.0, HIGH - 54.0, WIDE, 54.0).fill_nonzero();
    page.set_fill_rgb(1.0, 1.0, 1.0);
    line(&mut page, site, 18.0, HIGH - 34.0);
    page.set_fill_rgb(0.0, 0.0, 0.0);
    let persons = format!("{} × {} {}", slip.product, slip.persons, l.say("人", "persons"));
    let title = if slip.persons > 1 { persons } else { slip.product.clone() };
    line(&mut page, &title, 15.0, HIGH - 76.0);
    line(&mut page, &slip.when, 12.0, HIGH - 94.0);
    let mut rest = vec![slip.place.clone()];
    rest.extend(slip.visitor.clone());
    rest.retain(|text| !text.is_empty());
    line(&mut page, &rest.join(" · "), 10.0, HIGH - 109.0);
    code(&mut page, &slip.code, HIGH - 122.0);
    line(&mut page, &slip.typed, 15.0, HIGH - 350.0);
    let number = format!("{} {}", l.say("票号", "Ticket"), slip.ticket);
    line(&mut page, &format!("{number} · {}", slip.price), 9.0, HIGH - 370.0);
    let until = format!("{} {}", l.say("有效期至", "Valid until"), slip.until);
    line(&mut page, &until, 9.0, HIGH - 384.0);
    let warning =
        l.say("凭此码入园，请勿转发", "Whoever has this code gets in: give it to nobody else");
    line(&mut page, warning, 9.0, HIGH - 398.0);
    page.finish().into_vec()
}

/// A line in the middle, made smaller where it is too long.
fn line(page: &mut Content, text: &str, size: f32, y: f32) {
    // By half the height of a letter; Helvetica is a little wider than that on the whole.
    let halves = text.chars().map(|c| if c.is_ascii() { 1.05_f32 } else { 2.0 }).sum::<f32>();
    let size = size.min((WIDE - 24.0) / halves.max(1.0) * 2.0);
    let x = (WIDE - halves * size / 2.0) / 2.0;
    page.begin_text();
    if text.is_ascii() {
        page.set_font(LATIN, size).next_line(x, y).show(Str(text.as_bytes()));
    } else {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        page.set_font(CHINESE, size).next_line(x, y).show(Str(&units));
    }
    page.end_text();
}

fn code(page: &mut Content, text: &str, top: f32) {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return };
    let (width, colors) = (code.width(), code.to_colors());
    let (unit, left) = (SIDE / width as f32, (WIDE - SIDE) / 2.0);
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                let (x, y) = (left + x as f32 * unit, top - (y + 1) as f32 * unit);
                page.rect(x, y, run as f32 * unit, unit);
            }
            x += run.max(1);
        }
    }
    page.fill_nonzero();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TicketId;

    /// Ghostscript draws it and zbarimg reads it; where they are not installed, only its shape is looked at.
    #[test]
    fn others_can_read_it() {
        let code = format!("PT1{}", "7WE*Q ".repeat(22) + "$.A:X");
        let slip = Slip {
            product: "成人票 Adult".into(),
            persons: 3,
            when: "2026-11-24 周二 09:00-11:00".into(),
            until: "2026-11-24 11:30".into(),
            place: "东园".into(),
            visitor: Some("张*".into()),
            price: "¥120.00".into(),
            ticket: TicketId(42),
            code: code.clone(),
            typed: "4F7QK-92MXT".into(),
            again: 0,
            invoice: None,
        };
        let bytes = of(Lang::Zh, "云台山", &slip);
        assert!(bytes.starts_with(b"%PDF-") && bytes.len() < 60_000, "{}", bytes.len());
        let file = std::env::temp_dir().join(format!("paifang-ticket-{}", std::process::id()));
        let (from, to) = (file.with_extension("pdf"), file.with_extension("png"));
        std::fs::write(&from, bytes).unwrap();
        let drawn = std::process::Command::new("gs")
            .args(["-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pnggray", "-r150"])
            .arg(format!("-sOutputFile={}", to.display()))
            .arg(&from)
            .output();
        let read = std::process::Command::new("zbarimg").args(["--raw", "-q"]).arg(&to).output();
        if let (Ok(_), Ok(read)) = (drawn, read) {
            assert_eq!(String::from_utf8_lossy(&read.stdout).trim_end_matches('\n'), code);
        } else {
            eprintln!("left out: gs or zbarimg is not installed");
        }
        for file in [from, to] {
            let _ = std::fs::remove_file(file);
        }
    }
}
