// SPDX-License-Identifier: BSL-1.0
//
// The echo server on tokio's runtime of one thread.
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

async fn echo(mut peer: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = peer.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        peer.write_all(&buffer[..n]).await?;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse().unwrap())?;
    let at = socket.listen(4096)?;
    println!("{}", at.local_addr()?.port());
    loop {
        let (peer, _) = at.accept().await?;
        peer.set_nodelay(true)?;
        tokio::spawn(echo(peer));
    }
}
