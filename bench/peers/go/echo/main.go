// SPDX-License-Identifier: BSL-1.0
//
// The echo server in Go, on one processor. Nagle's algorithm is off by default.
package main

import (
	"fmt"
	"net"
	"runtime"
)

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := peer.Read(buffer)
		if err != nil {
			return
		}
		if _, err := peer.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	at, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(at.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := at.Accept()
		if err != nil {
			panic(err)
		}
		go echo(peer)
	}
}
