// The firewalls, in nft's words. The launcher puts them together as the kernel takes them, so this is where a person can
// read them; a change of a rule is a change here.
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { canHaveNetworks, TestNetwork } from '../helpers/network.js';
import { startZygoteText } from '../helpers/network-host.js';
import { processOf } from '../helpers/network-processes.js';

const skip = canHaveNetworks();

const OPTIONS = {
  network: {
    allow: [
      { to: '0.0.0.0/0', ports: 443 },
      { to: '192.31.196.0/24', ports: ['8000-8999', 53], protocol: 'udp' as const },
    ],
    allowPrivate: [{ to: '10.1.2.3', ports: 5432 }],
    dns: ['192.31.196.2'],
    maxConnections: 10,
    maxConnectionsOfAll: 100,
  },
};

const ROUTER = `table inet nodespawner {
	flags owner

	ct timeout idle {
		protocol tcp
		l3proto ip
		policy = { established : 600 }
	}

	set connections {
		type ipv4_addr
		size 65535
		flags dynamic
	}

	chain arriving {
		type filter hook prerouting priority mangle; policy accept;
		meta nfproto != ipv4 drop
		fib saddr . iif oif 0 drop
		ip hdrlength != 5 drop
	}

	chain input {
		type filter hook input priority filter; policy drop;
	}

	chain output {
		type filter hook output priority filter; policy drop;
		icmp type destination-unreachable accept
		oifgroup 1 meta l4proto tcp accept
		oifname "up" meta l4proto tcp accept
	}

	chain limited {
		add @connections { ip saddr ct count over 10 } reject with icmpx admin-prohibited
		meta nfproto ipv4 meta l4proto tcp ct timeout set "idle"
		accept
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		iifgroup 1 meta l4proto tcp reject with tcp reset
		iifgroup 1 drop
		oifgroup 1 meta l4proto tcp reject with tcp reset
		oifgroup 1 drop
		ct state established accept
		ct state related icmp type destination-unreachable accept
		ct state invalid drop
		iifname "up" drop
		oifname != "up" reject with icmpx admin-prohibited
		ip daddr 192.31.196.2 udp dport 53 goto limited
		ip daddr 192.31.196.2 tcp dport 53 goto limited
		ip daddr 10.1.2.3 tcp dport 5432 goto limited
		ip daddr 0.0.0.0/8 reject with icmpx admin-prohibited
		ip daddr 10.0.0.0/8 reject with icmpx admin-prohibited
		ip daddr 100.64.0.0/10 reject with icmpx admin-prohibited
		ip daddr 127.0.0.0/8 reject with icmpx admin-prohibited
		ip daddr 168.63.129.16 reject with icmpx admin-prohibited
		ip daddr 169.254.0.0/16 reject with icmpx admin-prohibited
		ip daddr 172.16.0.0/12 reject with icmpx admin-prohibited
		ip daddr 192.0.0.0/24 reject with icmpx admin-prohibited
		ip daddr 192.0.2.0/24 reject with icmpx admin-prohibited
		ip daddr 192.168.0.0/16 reject with icmpx admin-prohibited
		ip daddr 198.18.0.0/15 reject with icmpx admin-prohibited
		ip daddr 198.51.100.0/24 reject with icmpx admin-prohibited
		ip daddr 203.0.113.0/24 reject with icmpx admin-prohibited
		ip daddr 224.0.0.0/4 reject with icmpx admin-prohibited
		ip daddr 240.0.0.0/4 reject with icmpx admin-prohibited
		ip daddr 0.0.0.0/0 tcp dport 443 goto limited
		ip daddr 192.31.196.0/24 udp dport 8000-8999 goto limited
		ip daddr 192.31.196.0/24 udp dport 53 goto limited
		reject with icmpx admin-prohibited
	}

	chain translate {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "up" masquerade
	}
}`;

const HOST = `table inet nodespawner-LINK {
	flags owner

	ct timeout idle {
		protocol tcp
		l3proto ip
		policy = { established : 600 }
	}

	chain arriving {
		type filter hook prerouting priority mangle; policy accept;
		iifname != "LINK" accept
		meta nfproto != ipv4 drop
		ip saddr != ROUTER drop
		ip daddr 192.31.196.2 udp dport 53 accept
		ip daddr 192.31.196.2 tcp dport 53 accept
		ip daddr 10.1.2.3 tcp dport 5432 accept
		fib daddr type != unicast reject with icmpx admin-prohibited
	}

	chain input {
		type filter hook input priority filter; policy accept;
		iifname != "LINK" accept
		ip daddr 192.31.196.2 udp dport 53 accept
		ip daddr 192.31.196.2 tcp dport 53 accept
		ip daddr 10.1.2.3 tcp dport 5432 accept
		reject with icmpx admin-prohibited
	}

	chain limited {
		ct count over 100 reject with icmpx admin-prohibited
		meta nfproto ipv4 meta l4proto tcp ct timeout set "idle"
		accept
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		oifname "LINK" ct state established,related accept
		oifname "LINK" drop
		iifname != "LINK" accept
		ct state established,related accept
		ct original ip daddr 192.31.196.2 meta l4proto udp ct original proto-dst 53 goto limited
		ct original ip daddr 192.31.196.2 meta l4proto tcp ct original proto-dst 53 goto limited
		ct original ip daddr 10.1.2.3 meta l4proto tcp ct original proto-dst 5432 goto limited
		ct status dnat reject with icmpx admin-prohibited
		goto limited
	}

	chain translate {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr ROUTER oifname != "LINK" masquerade
	}
}`;

/** Whitespace, and what differs from run to run and from version to version of nft, says nothing. */
function plain(text: string): readonly string[] {
  return text
    .replace(/nspawn[0-9a-f]{8}/g, 'LINK')
    .replace(/198\.18\.\d+\.\d+(?!\/)/g, 'ROUTER')
    .replace(/ *# progname.*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

t.test('the firewalls are what is written here', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const host = new HostProgram(t, `${startZygoteText(OPTIONS)} say('ready'); setInterval(() => {}, 1000);`, {
    through: network.through,
  });
  await host.next();
  const init = processOf(host.pid, 'init');
  const list = ['nft', 'list', 'ruleset'];
  const router = execFileSync('nsenter', [`--target=${init}`, '--user', '--net', ...list], {
    encoding: 'utf8',
  });
  t.strictSame(plain(router), plain(ROUTER));
  t.strictSame(plain(network.inHost(...list)), plain(HOST));
});
