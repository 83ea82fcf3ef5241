# What Troika needs from Debian 12, by purpose. Sourced by run, test and bench/run; the only list there is.
build_packages="gcc libc6-dev meson ninja-build pkgconf ca-certificates
	liblmdb-dev libssl-dev libgsasl-dev libcrypt-dev libidn2-dev libicu-dev libconfuse-dev libcap-dev libseccomp-dev libjemalloc-dev
	libunbound-dev dns-root-data libcurl4-openssl-dev libjansson-dev libxml2-dev libsqlite3-dev libstemmer-dev zlib1g-dev libzstd-dev"
test_packages="libcmocka-dev python3 python3-yaml openssl bsdutils procps git curl knot knot-dnssecutils
	clang-tidy cppcheck spin
	swaks mutt neomutt isync offlineimap3 interimap fetchmail msmtp poppler-utils gsasl python3-jwt python3-cryptography python3-prometheus-client libnet-ssleay-perl libsasl2-modules
	postfix dovecot-imapd dovecot-pop3d knot-dnsutils iproute2 libdb5.3 libevent-2.1-7 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0
	libmilter-dev opendkim opendkim-tools pebble python3-authres python3-dkim python3-nacl python3-spf rspamd"
# Servers that cannot be installed beside those above are unpacked (see unpack); these are the libraries that they want.
peer_packages="sasl2-bin libical3 libclamav12 libpcre3 libxapian30 libzephyr4 libpq5 libwrap0 libgamin0 libcourier-unicode4"
unpacked_packages="cyrus-common cyrus-imapd courier-imap courier-base courier-authlib"
fuzz_packages="clang libclang-rt-14-dev libcmocka-dev"
run_packages="curl"
guest_packages="qemu-system-x86 busybox-static e2fsprogs xfsprogs btrfs-progs"      # machines of our own: tests/guest
bench_packages="dovecot-imapd dovecot-pop3d dovecot-lmtpd postfix openssl python3"
survival_packages="dovecot-imapd dovecot-lmtpd python3-pyfuse3 fuse3 e2fsprogs"    # bench/survival.py

# need PURPOSE PACKAGE...: installs what is missing, saying what and why; through sudo when not root.
need() {
	purpose=$1
	shift
	missing=""
	for package in "$@"; do
		dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "installing for $purpose:$missing"
	sudo=""
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || {
			echo "not root and no sudo: please install these packages:$missing" >&2
			return 1
		}
		sudo=sudo
	fi
	# an old package list is refreshed only when it does not do
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null 2>&1 || {
		$sudo apt-get update >/dev/null &&
			$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
	} || {
		echo "could not install:$missing" >&2
		return 1
	}
}

# unpack CACHE DIR PACKAGE...: fetches packages into CACHE, unless they are there, and unpacks them below DIR; nothing is installed or configured.
unpack() {
	cache=$1
	dir=$2
	shift 2
	mkdir -p "$cache" "$dir"
	for package in "$@"; do
		set -- "$cache/$package"_*.deb
		[ -f "$1" ] || (cd "$cache" && { apt-get -o APT::Sandbox::User=root download "$package" || { apt-get update && apt-get -o APT::Sandbox::User=root download "$package"; }; }) >/dev/null 2>&1 || {
			echo "could not fetch: $package" >&2
			return 1
		}
		dpkg-deb -x "$cache/$package"_*.deb "$dir" || return 1
	done
}
