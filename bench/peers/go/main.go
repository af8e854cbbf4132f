// SPDX-License-Identifier: BSL-1.0
//
// The rows in Go.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func residentBytes() int {
	var pages, total int
	f, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	fmt.Sscan(string(f), &total, &pages)
	return pages * os.Getpagesize()
}

//go:noinline
func nothing() {}

// Two goroutines on one processor give way to each other; per switch.
func yield(n int) {
	runtime.GOMAXPROCS(1)
	var both sync.WaitGroup
	both.Add(2)
	for g := 0; g < 2; g++ {
		go func() {
			for i := 0; i < n/2; i++ {
				runtime.Gosched()
			}
			both.Done()
		}()
	}
	both.Wait()
}

func startJoin(n int) {
	const batch = 100
	for i := 0; i < n; i += batch {
		var all sync.WaitGroup
		all.Add(batch)
		for k := 0; k < batch; k++ {
			go func() { nothing(); all.Done() }()
		}
		all.Wait()
	}
}

func mutexFree(n int) {
	var m sync.Mutex
	for i := 0; i < n; i++ {
		m.Lock()
		m.Unlock()
	}
}

// Two goroutines on one processor, each: lock, yield, unlock; per lock.
func mutexHanded(n int) {
	runtime.GOMAXPROCS(1)
	var m sync.Mutex
	var both sync.WaitGroup
	both.Add(2)
	for g := 0; g < 2; g++ {
		go func() {
			for i := 0; i < n/2; i++ {
				m.Lock()
				runtime.Gosched()
				m.Unlock()
			}
			both.Done()
		}()
	}
	both.Wait()
}

func send(c chan int, n int) {
	for i := 0; i < n; i++ {
		c <- i
	}
	close(c)
}
func receive(c chan int) (sum int) {
	for v := range c {
		sum += v
	}
	return
}
func channel64(n int) {
	runtime.GOMAXPROCS(1)
	channelThreads(n)
}
func channelThreads(n int) {
	c := make(chan int, 64)
	go send(c, n)
	receive(c)
}

// There and back through two channels with room for one; per round.
func channel1(n int) {
	runtime.GOMAXPROCS(1)
	there, back := make(chan int, 1), make(chan int, 1)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	close(there)
}

// n goroutines sleep; bytes each, and the processor's time to make them and to let them end.
func sleepers(n int) {
	before, begin := residentBytes(), cpu()
	var all sync.WaitGroup
	all.Add(n)
	start := time.Now()
	for i := 0; i < n; i++ {
		d := time.Second + 9*time.Second*time.Duration(i)/time.Duration(n)
		go func() { time.Sleep(d - time.Since(start)); all.Done() }()
	}
	runtime.Gosched()
	time.Sleep(100 * time.Millisecond)
	bytes := residentBytes() - before
	all.Wait()
	fmt.Printf("%.1f %.1f\n", float64(bytes)/float64(n), float64(cpu()-begin)/float64(n))
}

func timerCancel(n int) {
	for i := 0; i < n; i++ {
		time.NewTimer(time.Hour).Stop()
	}
}

func main() {
	rows := map[string]func(int){
		"yield": yield, "start_join": startJoin, "mutex_free": mutexFree, "mutex_handed": mutexHanded,
		"channel_64": channel64, "channel_1": channel1, "channel_threads": channelThreads, "timer_cancel": timerCancel,
	}
	if len(os.Args) == 2 && os.Args[1] == "--rows" {
		for name := range rows {
			fmt.Println(name)
		}
		fmt.Println("sleepers")
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: rows ROW N | --rows")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil || n < 1 {
		fmt.Fprintln(os.Stderr, "rows: N is a number of at least 1")
		os.Exit(2)
	}
	if os.Args[1] == "sleepers" {
		sleepers(n)
		return
	}
	row := rows[os.Args[1]]
	if row == nil {
		fmt.Fprintln(os.Stderr, "rows: there is no row", os.Args[1])
		os.Exit(2)
	}
	row(n/10 + 1)
	begin, used := time.Now(), cpu()
	row(n)
	fmt.Printf("%.2f %.2f\n", float64(time.Since(begin))/float64(n), float64(cpu()-used)/float64(n))
}
