//! Questions on a terminal, in Chinese or English, each with its usual answer. Knows no site.

use std::io::{BufRead, Write};

use anyhow::bail;

pub(super) struct Talk<I, O> {
    input: I,
    output: O,
    chinese: bool,
}

impl<I: BufRead, O: Write> Talk<I, O> {
    pub(super) fn new(input: I, output: O) -> Self {
        Self { input, output, chinese: false }
    }

    pub(super) fn choose_language(&mut self) -> anyhow::Result<()> {
        let both = "语言 / Language [zh/en]";
        self.chinese = self.ask(both, both, "zh", |answer| match answer {
            "zh" | "中文" => Ok(true),
            "en" => Ok(false),
            _ => Err("zh / en".to_owned()),
        })?;
        Ok(())
    }

    pub(super) fn say(&mut self, chinese: &str, english: &str) -> anyhow::Result<()> {
        writeln!(self.output, "{}", if self.chinese { chinese } else { english })?;
        Ok(())
    }

    /// Asks until the answer fits; an empty one is the usual one. `check` says what would fit.
    pub(super) fn ask<T>(
        &mut self,
        chinese: &str,
        english: &str,
        usual: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        let question = if self.chinese { chinese } else { english };
        loop {
            if usual.is_empty() {
                write!(self.output, "{question}: ")?;
            } else {
                write!(self.output, "{question} ({usual}): ")?;
            }
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                bail!("no answer to {question:?}; what was written so far is kept");
            }
            let answer = if line.trim().is_empty() { usual } else { line.trim() };
            match check(answer) {
                Ok(fits) => return Ok(fits),
                Err(hint) => writeln!(self.output, "  ✗ {hint}")?,
            }
        }
    }

    pub(super) fn yes(
        &mut self,
        chinese: &str,
        english: &str,
        usual: bool,
    ) -> anyhow::Result<bool> {
        self.ask(chinese, english, if usual { "y" } else { "n" }, |answer| match answer {
            "y" | "Y" | "yes" | "是" => Ok(true),
            "n" | "N" | "no" | "否" => Ok(false),
            _ => Err("y / n".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_until_the_answer_fits() {
        let mut out = Vec::new();
        let mut talk = Talk::new("fr\nen\nten\n\n".as_bytes(), &mut out);
        talk.choose_language().unwrap();
        let number = |text: &str| text.parse::<u32>().map_err(|_| "a number".to_owned());
        assert_eq!(talk.ask("多少", "How many", "7", number).unwrap(), 7);
        assert!(talk.ask("多少", "How many", "7", number).is_err(), "nobody answers");
        let told = String::from_utf8(out).unwrap();
        assert!(told.contains("zh / en") && told.contains("✗ a number"), "{told}");
    }
}
