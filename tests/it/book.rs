//! The book in `docs/`: every command in it is run, on a running site, in both languages.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    cli::{LANE, SECRETS},
    support::{Site, paifang},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn chapters() -> Vec<PathBuf> {
    let languages = ["en", "zh"].map(|language| Path::new(ROOT).join("docs").join(language));
    let of =
        |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    languages.into_iter().flat_map(of).collect()
}

/// Lines of the blocks marked `sh`.
fn commands(text: &str) -> Vec<&str> {
    let mut runs = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        match line {
            "```sh" => runs = true,
            line if line.starts_with("```") => runs = false,
            line if runs => commands.push(line),
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_of_the_book_works() {
    let mut ran = 0;
    for chapter in chapters() {
        let text = std::fs::read_to_string(&chapter).unwrap();
        let commands = commands(&text);
        if commands.is_empty() {
            continue;
        }
        let site = Site::new(LANE, SECRETS);
        let daemon = site.start();
        let bin = site.folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        symlink(env!("CARGO_BIN_EXE_paifang"), bin.join("paifang")).unwrap();
        for command in commands {
            let path = format!("{}:/usr/bin:/bin", bin.display());
            let mut shell = Command::new("/bin/sh");
            shell.args(["-euc", command]).current_dir(site.folder.path()).env("PATH", path);
            let output = shell.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {command}: {told}", chapter.display());
            ran += 1;
        }
        daemon.stop();
    }
    assert!(ran >= 20, "only {ran} commands were found");
}

#[test]
fn the_book_names_commands_that_exist() {
    let help = String::from_utf8(paifang().arg("--help").output().unwrap().stdout).unwrap();
    for chapter in chapters() {
        let text = std::fs::read_to_string(&chapter).unwrap();
        for named in text.split("`paifang ").skip(1) {
            let word: String = named.chars().take_while(char::is_ascii_alphanumeric).collect();
            let known = help.contains(&format!("\n  {word} "));
            assert!(known, "{}: there is no `paifang {word}`", chapter.display());
        }
    }
}

#[test]
fn both_languages_tell_the_same_commands() {
    for chapter in
        chapters().iter().filter(|chapter| chapter.starts_with(Path::new(ROOT).join("docs/en")))
    {
        let other = Path::new(ROOT).join("docs/zh").join(chapter.file_name().unwrap());
        let [here, there] = [chapter, &other].map(|file| std::fs::read_to_string(file).unwrap());
        assert_eq!(commands(&here), commands(&there), "{}", chapter.display());
    }
}
