// SPDX-License-Identifier: BSL-1.0
//
// The rows in Rust, on tokio's runtimes.
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, Mutex};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The processor's time that this process has used.
fn cpu_ns() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // Safety: getrusage writes all of it, or says that it could not.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    let ns = |t: libc::timeval| t.tv_sec as f64 * 1e9 + t.tv_usec as f64 * 1e3;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}

/// The value counts as used.
#[inline(always)]
fn keep<T>(value: T) {
    // Safety: a plain read of a local.
    unsafe { std::ptr::read_volatile(&value as *const T as *const u8) };
}

async fn answer() -> i32 {
    1
}
async fn nothing() {}

fn wait_ready(n: usize) {
    let runtime = current_thread();
    for _ in 0..n {
        keep(runtime.block_on(answer()));
    }
}

fn yield_now(n: usize) {
    current_thread().block_on(async move {
        let one = || async move {
            for _ in 0..n / 2 {
                tokio::task::yield_now().await;
            }
        };
        let (a, b) = (tokio::spawn(one()), tokio::spawn(one()));
        a.await.unwrap();
        b.await.unwrap();
    });
}

fn start_join(n: usize) {
    const BATCH: usize = 100;
    current_thread().block_on(async move {
        let mut all = Vec::with_capacity(BATCH);
        for _ in 0..n / BATCH {
            for _ in 0..BATCH {
                all.push(tokio::spawn(nothing()));
            }
            for one in all.drain(..) {
                one.await.unwrap();
            }
        }
    });
}

fn mutex_free(n: usize) {
    current_thread().block_on(async move {
        let m = Mutex::new(0);
        for _ in 0..n {
            *m.lock().await += 1;
        }
    });
}

fn mutex_handed(n: usize) {
    current_thread().block_on(async move {
        let m = Arc::new(Mutex::new(0));
        let one = |m: Arc<Mutex<i32>>| async move {
            for _ in 0..n / 2 {
                let mut guard = m.lock().await;
                tokio::task::yield_now().await;
                *guard += 1;
            }
        };
        let (a, b) = (tokio::spawn(one(m.clone())), tokio::spawn(one(m)));
        a.await.unwrap();
        b.await.unwrap();
    });
}

async fn through_channel(n: usize) {
    let (tx, mut rx) = mpsc::channel(64);
    let sender = tokio::spawn(async move {
        for i in 0..n {
            tx.send(i).await.unwrap();
        }
    });
    while let Some(item) = rx.recv().await {
        keep(item);
    }
    sender.await.unwrap();
}
fn channel_64(n: usize) {
    current_thread().block_on(through_channel(n));
}
fn channel_threads(n: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async move { tokio::spawn(through_channel(n)).await.unwrap() });
}

fn channel_1(n: usize) {
    current_thread().block_on(async move {
        let (there, mut to) = mpsc::channel(1);
        let (back, mut from) = mpsc::channel(1);
        let echo = tokio::spawn(async move {
            while let Some(item) = to.recv().await {
                back.send(item).await.unwrap();
            }
        });
        for i in 0..n {
            there.send(i).await.unwrap();
            keep(from.recv().await.unwrap());
        }
        drop(there);
        echo.await.unwrap();
    });
}

fn to_thread(n: usize) {
    current_thread().block_on(async move {
        for _ in 0..n {
            keep(tokio::task::spawn_blocking(|| 1).await.unwrap());
        }
    });
}

/// Plain code gives a future to another thread's runtime and blocks for its result.
fn future_wait(n: usize) {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for _ in 0..n {
        let (tx, rx) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move { tx.send(answer().await).unwrap() });
        keep(rx.recv().unwrap());
    }
}

fn timer_cancel(n: usize) {
    current_thread().block_on(async move {
        for _ in 0..n {
            // The sleep is looked at first, so that it is armed.
            tokio::select! { biased; _ = tokio::time::sleep(Duration::from_secs(3600)) => {}, _ = nothing() => {} }
        }
    });
}

fn sleepers(n: usize) {
    let before = resident_bytes();
    let used = cpu_ns();
    let bytes = current_thread().block_on(async move {
        let start = tokio::time::Instant::now();
        let mut all = Vec::with_capacity(n);
        for i in 0..n {
            let at = start + Duration::from_secs(1) + Duration::from_secs(9).mul_f64(i as f64 / n as f64);
            all.push(tokio::spawn(tokio::time::sleep_until(at)));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let bytes = resident_bytes() - before;
        for one in all {
            one.await.unwrap();
        }
        bytes
    });
    println!("{:.1} {:.1}", bytes / n as f64, (cpu_ns() - used) / n as f64);
}

fn main() {
    let rows: &[(&str, fn(usize))] = &[
        ("wait_ready", wait_ready),
        ("yield", yield_now),
        ("start_join", start_join),
        ("mutex_free", mutex_free),
        ("mutex_handed", mutex_handed),
        ("channel_64", channel_64),
        ("channel_1", channel_1),
        ("channel_threads", channel_threads),
        ("to_thread", to_thread),
        ("future_wait", future_wait),
        ("timer_cancel", timer_cancel),
    ];
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() == 2 && arguments[1] == "--rows" {
        rows.iter().for_each(|(name, _)| println!("{name}"));
        println!("sleepers");
        return;
    }
    let n = arguments.get(2).and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
    let (name, n) = match (arguments.get(1), n) {
        (Some(name), Some(n)) => (name, n),
        _ => {
            eprintln!("usage: rows ROW N | --rows");
            std::process::exit(2);
        }
    };
    if name == "sleepers" {
        return sleepers(n);
    }
    let row = match rows.iter().find(|(row, _)| row == name) {
        Some((_, row)) => row,
        None => {
            eprintln!("rows: there is no row {name}");
            std::process::exit(2);
        }
    };
    row(n / 10 + 100);
    let (begin, used) = (Instant::now(), cpu_ns());
    row(n);
    println!("{:.2} {:.2}", begin.elapsed().as_nanos() as f64 / n as f64, (cpu_ns() - used) / n as f64);
}
