import type { Outcome } from "../support/attackers.ts";
import type { Attack } from "../support/contest.ts";
import { systemCalls } from "../support/system-calls.ts";

const row = "10 sockets";
const control = "filter";

/** `include/linux/socket.h`, Linux 6.18, without those that sandboxes may use: 1, 2, 10 (and 16). */
const families: Readonly<Record<number, string>> = {
  0: "unspec",
  3: "ax25",
  4: "ipx",
  5: "appletalk",
  6: "netrom",
  7: "bridge",
  8: "atmpvc",
  9: "x25",
  11: "rose",
  12: "decnet",
  13: "netbeui",
  14: "security",
  15: "key",
  17: "packet",
  18: "ash",
  19: "econet",
  20: "atmsvc",
  21: "rds",
  22: "sna",
  23: "irda",
  24: "pppox",
  25: "wanpipe",
  26: "llc",
  27: "infiniband",
  28: "mpls",
  29: "can",
  30: "tipc",
  31: "bluetooth",
  32: "iucv",
  33: "rxrpc",
  34: "isdn",
  35: "phonet",
  36: "ieee802154",
  37: "caif",
  38: "alg",
  39: "nfc",
  40: "vsock",
  41: "kcm",
  42: "qipcrtr",
  43: "smc",
  44: "xdp",
  45: "mctp",
};

/** netlink's protocols but the routing one (include/uapi/linux/netlink.h). */
const netlinkProtocols: Readonly<Record<number, string>> = {
  2: "usersock",
  3: "firewall",
  4: "sock_diag",
  5: "nflog",
  6: "xfrm",
  7: "selinux",
  8: "iscsi",
  9: "audit",
  10: "fib_lookup",
  11: "connector",
  12: "netfilter",
  13: "ip6_fw",
  14: "dnrtmsg",
  15: "kobject_uevent",
  16: "generic",
  18: "scsitransport",
  19: "ecryptfs",
  20: "rdma",
  21: "crypto",
  22: "smc",
};
const internetTypes = { 3: "raw", 4: "rdm", 6: "dccp", 10: "packet" };
/** ICMP, IGMP, TCP, UDP, GRE, ESP, raw (RFC 5237's registry). */
const rawProtocols = [1, 2, 6, 17, 47, 50, 58, 132, 255];

export function socketAttacks(): readonly Attack[] {
  return [
    ...Object.entries(families).map(([family, name]) =>
      any(`a socket of the family ${name}`, Number(family), {
        types: [1, 2, 3, 4, 5, 6, 10],
        protocols: [0],
      }),
    ),
    any("a socket of the family xdp, raw", 44, { types: [3], protocols: [0] }),
    ...[2, 10].flatMap((family) => [
      ...Object.entries(internetTypes).map(([type, name]) =>
        any(`an ${family === 2 ? "IPv4" : "IPv6"} socket of the type ${name}`, family, {
          types: [Number(type)],
          protocols: [0, 255],
        }),
      ),
      ...rawProtocols.map((protocol) =>
        any(`a raw ${family === 2 ? "IPv4" : "IPv6"} socket of protocol ${protocol}`, family, {
          types: [3],
          protocols: [protocol],
        }),
      ),
    ]),
    ...Object.entries(netlinkProtocols).map(([protocol, name]) =>
      any(`a netlink socket of ${name}`, 16, { types: [2, 3], protocols: [Number(protocol)] }),
    ),
    any("a raw Unix socket", 1, { types: [3], protocols: [0] }),
    pair("a socket pair of the family vsock", 40),
    pair("a socket pair of the family tipc", 30),
    pair("a socket pair of the internet", 2),
  ];
}

function any(
  id: string,
  family: number,
  kinds: { readonly types: readonly number[]; readonly protocols: readonly number[] },
): Attack {
  const given = { from: family, until: family + 1, ...kinds };
  // The filter's own answers, and nothing else: EPERM and EAFNOSUPPORT.
  const blocked = (outcome: Outcome): boolean =>
    codesOf(outcome).every((code) => code === "1" || code === "97");
  const succeeded = (outcome: Outcome): boolean => codesOf(outcome).some((code) => code === "0");
  return {
    row,
    id,
    operation: "sockets",
    given,
    raw: true,
    blocked,
    succeeded,
    control,
    excuse: (outcome) => {
      const codes = codesOf(outcome);
      if (codes.includes("1")) return "needs a capability over the host's network";
      return "this kernel has no such socket";
    },
  };
}

function codesOf({ value }: Outcome): readonly string[] {
  return Object.values(value as Record<string, string>); // the operation's answer
}

function pair(id: string, family: number): Attack {
  return {
    row,
    id,
    operation: "syscall",
    given: { number: systemCalls.socketpair, values: [family, 1, 0, { zero: 8 }] },
    raw: true,
    blocked: ({ code }) => code === "EAFNOSUPPORT",
    // The kernel knows pairs of Unix sockets and tipc alone; otherwise it says so itself.
    succeeded: ({ code }) => code !== "EAFNOSUPPORT",
    control,
    excuse: () => "this kernel has no such socket",
  };
}
