#!/usr/bin/env python3
"""For fetch_test.c: a web server on loopback, HTTPS and HTTP. test_web.py CERT KEY; prints "HTTPS_PORT HTTP_PORT" and ends when
its input does."""

import http.server
import socketserver
import ssl
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pour(self, size):
        """A body without a length, ended by the connection."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for _ in range(size // 1000):
            self.wfile.write(b"x" * 1000)

    def act(self):
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        path = self.path
        if path == "/hello":
            self.answer(200, b"hello", [("X-Test", "  one  "), ("Set-Cookie", "a=b")])
        elif path == "/echo":
            fields = "".join(f"{k}: {v}\n" for k, v in self.headers.items())
            self.answer(200, f"{self.command}\n{fields}\n".encode() + body)
        elif path.startswith("/status/"):
            self.answer(int(path[8:]), b"as asked")
        elif path == "/redirect":
            self.answer(302, b"elsewhere", [("Location", "/hello"), ("X-First", "yes")])
        elif path == "/downgrade":
            self.answer(302, b"elsewhere", [("Location", f"http://localhost:{http_port}/hello")])
        elif path == "/loop":
            self.answer(302, b"round", [("Location", "/loop")])
        elif path.startswith("/sized/"):
            self.answer(200, b"x" * int(path[7:]))
        elif path.startswith("/poured/"):
            self.pour(int(path[8:]))
        elif path == "/headers":
            self.answer(200, b"many", [(f"X-{i}", "y" * 1000) for i in range(200)])
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.01)
        elif path == "/drop":
            self.close_connection = True
        else:
            self.answer(404, b"what?")

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = act


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


class SecureServer(Server):
    """The handshake in the connection's own thread: a client that refuses must not end the server."""

    def finish_request(self, request, address):
        super().finish_request(context.wrap_socket(request, server_side=True), address)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
secure, plain = SecureServer(("127.0.0.1", 0), Handler), Server(("127.0.0.1", 0), Handler)
http_port = plain.server_address[1]
for server in secure, plain:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(secure.server_address[1], http_port, flush=True)
sys.stdin.read()
