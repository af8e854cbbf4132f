# SPDX-License-Identifier: BSL-1.0
"""The rows of one large file over one connection: TCP, and TLS with one cipher. The client is the same for all."""
import contextlib
import os
import shutil
import socket
import subprocess

from servers import Server, client, cpu_seconds, of_each, pin, there

GIB = 1 << 30
SIZE = 2 * GIB
# Files in pieces of 64 KiB, as the others read them; otherwise as it comes.
NGINX = """{user} daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; sendfile off; output_buffers 1 64k; tcp_nodelay on; default_type application/octet-stream;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{ listen 127.0.0.1:{port}{ssl}; root .; ssl_protocols TLSv1.3; ssl_certificate cert.pem;
            ssl_certificate_key key.pem; }}
}}
"""


class Nginx(Server):
    """A process that serves, and its parent. They are given a socket that listens already, and asked for something that is
    not there before anything is measured: so nobody has to wait for them."""

    @contextlib.contextmanager
    def running(self):
        directory, asks, tls = self.command[1:]
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as at:
            port = at.getsockname()[1]
            (directory / "nginx.conf").write_text(NGINX.format(
                port=port, ssl=" ssl" if tls else "", user="user root;" if os.geteuid() == 0 else ""), encoding="utf-8")
            server = subprocess.Popen([self.command[0], "-p", directory, "-c", "nginx.conf", "-e", "error.log"],
                                      pass_fds=[at.fileno()], env={**os.environ, "NGINX": f"{at.fileno()};"},
                                      stderr=subprocess.DEVNULL, preexec_fn=pin)
        try:
            client(asks, port, "nothing", *tls)
            yield server.pid, port
        finally:
            server.terminate()
            server.wait()


class Bulk:
    unit = "s/GiB"
    columns = {"cpu": ("CPU s/GiB", ".3f"), "rate": ("GiB/s", ".2f")}
    bars = ()

    def __init__(self, build, directory, tls):
        self.build, self.directory, self.tls = build, directory, tls
        self.name = "bulk_tls" if tls else "bulk_tcp"
        self.about = f"seconds of the server's processor per GiB of a file over {'TLS 1.3' if tls else 'TCP'}"
        arguments = [directory, *tls]
        programs = ["bulk_asio"] if tls else ["bulk_asio", "bulk_raw"]
        found = [Server("bide-uring", [build / "bulk_bide", *arguments], {"BIDE_DRIVER": "io_uring"}),
                 Server("bide-epoll", [build / "bulk_bide", *arguments], {"BIDE_DRIVER": "epoll"})]
        found += [Server(name.replace("bulk_raw", "raw").replace("bulk_", ""), [build / name, *arguments]) for name in programs]
        found.append(Nginx("nginx", [shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx", directory,
                                     build / "bulk_client", tls]))
        if tls:
            found.append(Server("openssl", [shutil.which("openssl") or "openssl", "s_server", "-WWW", "-tls1_3", "-accept",
                                            "127.0.0.1:0", "-cert", directory / "cert.pem", "-key", directory / "key.pem"],
                                directory=directory))
        self.servers = there(found)

    def measure(self, _):
        prepare(self.directory)
        return of_each(self.servers, self.one)

    def one(self, server):
        with server.running() as (pid, port):
            before = cpu_seconds(pid)
            bytes_got, took = client(self.build / "bulk_client", port, "bulk", *self.tls)
            cpu = cpu_seconds(pid) - before
        if bytes_got != (self.directory / "bulk").stat().st_size:
            raise OSError(f"{bytes_got:.0f} bytes came")
        return {"cpu": cpu * GIB / bytes_got, "rate": bytes_got / GIB / took}


def prepare(directory):
    """The file, once. It lies where files do, not in /dev/shm: there the kernel's ring reads nothing without a thread."""
    directory.mkdir(exist_ok=True)
    file = directory / "bulk"
    if file.exists():
        return
    size = SIZE if shutil.disk_usage(directory).free > 2 * SIZE else SIZE // 8
    if size < SIZE:
        print(f"\nbulk: {size >> 20} MiB instead of {SIZE >> 20}: {directory} has no more room")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "key.pem", "-out",
                    directory / "cert.pem", "-days", "1000", "-subj", "/CN=localhost"], check=True, capture_output=True)
    piece = os.urandom(1 << 20)
    with (directory / "part").open("wb") as part:
        for _ in range(size >> 20):
            part.write(piece)
        os.fsync(part)  # or it would be written while something is measured
    (directory / "part").rename(file)


def rows(build, scratch):
    directory = scratch / "bulk"
    return [Bulk(build, directory, tls) for tls in ((), ("tls",))], ["raw", "nginx", "openssl"]
