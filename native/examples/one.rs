use ringline_audio::{design::*, resampler::*, table::*, Isa};
use std::rc::Rc;
fn main() {
    let a: Vec<u32> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (up, down) = ratio(a[0], a[1]).unwrap();
    let isa = Isa::available()[a[2] as usize];
    let t = Rc::new(Table::new(&Filter::new(up, down).unwrap(), isa.lanes()));
    let mut r = Resampler::new(t, isa, 1).unwrap();
    let mut s = Scratch::default();
    let input: Vec<i16> = (0..a[0] / 50).map(|x| (x * 77) as i16).collect();
    let mut out = vec![0; 4000];
    let mut best = f64::MAX;
    for _ in 0..200 {
        let t = std::time::Instant::now();
        for _ in 0..2000 {
            std::hint::black_box(r.process(&mut s, std::hint::black_box(&input), &mut out))
                .unwrap();
        }
        best = best.min(t.elapsed().as_secs_f64() * 1e9 / 2000.0);
    }
    println!("{isa:?} {best:.0}");
}
