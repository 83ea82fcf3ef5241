#!/usr/bin/env python3
"""For sts_test.c: the policy host of many domains. test_sts_host.py ADDRESS CERT KEY DIR: HTTPS on port 443 of ADDRESS; the policy of a host is the file DIR/HOST:
its first line "STATUS TYPE", then the body. Every request is a line in DIR/requests. Prints "ready", and ends when its input does."""

import http.server
import pathlib
import socketserver
import ssl
import sys
import threading

address, cert, key, folder = sys.argv[1:]
folder = pathlib.Path(folder)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        host = self.headers.get("Host", "").split(":")[0]
        with open(folder / "requests", "a") as f:
            f.write(f"{host} {self.path}\n")
        file = folder / host
        head, _, body = (file.read_text() if file.exists() else "404 text/plain\n").partition("\n")
        status, kind = head.split(" ", 1)
        self.send_response(int(status))
        if status.startswith("3"):
            self.send_header("Location", f"https://{host}/elsewhere")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


try:
    server = Server((address, 443), Handler)
except OSError as e:
    sys.exit(f"{e}")
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
