//! Invoices: `[invoices]` of the site file. Knows no provider's wire.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::{
    invoice::{Item, Seller},
    types::{TaxNumber, invoice::title},
};

/// Days that the law gives a buyer to ask what became of an invoice are longer; but its address is needed once.
const KEEP_DAYS: u32 = 90;

/// Who issues invoices for what is paid here. Without this section nobody is offered one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoicesSection {
    /// Where files are exchanged with the program that issues them; relative to the site file.
    pub folder: PathBuf,
    /// The seller's name, as it is registered.
    pub seller: Spanned<String>,
    /// The seller's unified social credit code.
    pub tax_number: Spanned<String>,
    /// Parking, as the invoice calls it. Default `停车费`.
    pub item: Option<Spanned<String>>,
    /// The rate of tax as your accountant gives it, such as `9%`.
    pub tax_rate: Spanned<String>,
    /// Tickets. Default `门票`, at the rate of parking.
    #[serde(default)]
    pub tickets: ItemSection,
    /// What counters sell. Default `商品`, at the rate of parking.
    #[serde(default)]
    pub sales: ItemSection,
    /// Days that buyers' e-mail addresses and telephone numbers are kept, 1 to 3650. Default 90.
    pub keep_days: Option<Spanned<u32>>,
}

/// What else is sold, as an invoice says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemSection {
    pub item: Option<Spanned<String>>,
    pub tax_rate: Option<Spanned<String>>,
}

/// How invoices are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceSettings {
    pub folder: PathBuf,
    pub seller: Seller,
    pub keep_days: u32,
}

impl Check<'_> {
    pub(super) fn invoices(
        &mut self,
        section: Option<&InvoicesSection>,
        base: &Path,
    ) -> Option<InvoiceSettings> {
        let section = section?;
        let name = self.line(&section.seller, "invoices.seller");
        let tax_rate = self.line(&section.tax_rate, "invoices.tax_rate");
        let usual = || Some("停车费".to_owned());
        let item = section.item.as_ref().map_or_else(usual, |i| self.line(i, "invoices.item"));
        let tax_number = TaxNumber::parse(section.tax_number.get_ref())
            .map_err(|e| self.wrong(&section.tax_number, "invoices.tax_number", e.to_string()));
        let parking = Item { name: item.clone()?, tax_rate: tax_rate.clone()? };
        let tickets = self.item(&section.tickets, "tickets", "门票", &parking);
        let sales = self.item(&section.sales, "sales", "商品", &parking);
        let keep = section.keep_days.as_ref();
        if let Some(days) = keep.filter(|days| !(1..=3_650).contains(days.get_ref())) {
            self.wrong(days, "invoices.keep_days", "must be 1 to 3650 days");
        }
        Some(InvoiceSettings {
            folder: base.join(&section.folder),
            seller: Seller { name: name?, tax_number: tax_number.ok()?, parking, tickets, sales },
            keep_days: keep.map_or(KEEP_DAYS, |days| *days.get_ref()),
        })
    }

    fn item(&mut self, section: &ItemSection, of: &str, usual: &str, parking: &Item) -> Item {
        let mut line = |text: &Option<Spanned<String>>, field: &str, usual: &str| {
            let given = text.as_ref().map(|t| self.line(t, &format!("invoices.{of}.{field}")));
            given.flatten().unwrap_or_else(|| usual.to_owned())
        };
        let name = line(&section.item, "item", usual);
        Item { name, tax_rate: line(&section.tax_rate, "tax_rate", &parking.tax_rate) }
    }

    fn line(&mut self, text: &Spanned<String>, field: &str) -> Option<String> {
        let line = title(text.get_ref());
        if line.is_none() {
            self.wrong(text, field, "must be one line of 1 to 100 characters");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_names_its_field() {
        let right = "folder = \"f\"\nseller = \"某某公司\"\ntax_number = \"91350100M000100Y43\"\ntax_rate = \"9%\"\n";
        for (from, to, field) in [
            ("", "", ""),
            ("Y43", "Y44", "invoices.tax_number"),
            ("某某公司", " ", "invoices.seller"),
            ("9%", "9\\n%", "invoices.tax_rate"),
            ("folder = \"f\"\n", "folder = \"f\"\nkeep_days = 0\n", "invoices.keep_days"),
            ("folder = \"f\"\n", "folder = \"f\"\nitem = \"\"\n", "invoices.item"),
            (
                "folder = \"f\"\n",
                "folder = \"f\"\ntickets = { tax_rate = \" \" }\n",
                "invoices.tickets.tax_rate",
            ),
        ] {
            let text = right.replace(from, to);
            let text = if from.is_empty() { right } else { text.as_str() };
            let section: InvoicesSection = toml::from_str(text).unwrap();
            let mut check = Check::of(text);
            let settings = check.invoices(Some(&section), Path::new("/site"));
            let fields: Vec<_> = check.into_mistakes().into_iter().map(|m| m.field).collect();
            if field.is_empty() {
                let settings = settings.unwrap();
                let seller = &settings.seller;
                assert_eq!((settings.keep_days, seller.parking.name.as_str()), (90, "停车费"));
                assert_eq!(
                    (seller.tickets.name.as_str(), &*seller.tickets.tax_rate),
                    ("门票", "9%")
                );
                assert_eq!((settings.folder, fields), (PathBuf::from("/site/f"), Vec::new()));
            } else {
                assert_eq!(fields, [field]);
            }
        }
        assert_eq!(Check::of("").invoices(None, Path::new("/site")), None);
    }
}
