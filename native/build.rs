//! AVX-512 intrinsics are stable from Rust 1.89 on: an older compiler builds all the rest.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var("RUSTC").unwrap_or_else(|_| String::from("rustc"));
    let minor = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|version| version.split('.').nth(1)?.parse::<u32>().ok())
        .unwrap_or(0);
    if minor >= 80 {
        println!("cargo:rustc-check-cfg=cfg(ringline_avx512)");
    }
    if minor >= 89 {
        println!("cargo:rustc-cfg=ringline_avx512");
    }
}
