import type { Attack } from "../support/contest.ts";
import type { Ground } from "../support/ground.ts";

const loopback = "9 ports of the host";
const away = "9 ways out";
const neighbours = "6 a neighbour's sockets";
const control = "none";

/** Documentation of clouds for their metadata; private and public places of the Internet. */
const elsewhere = [
  ["169.254.169.254", 80, "metadata service"],
  ["169.254.170.2", 80, "container credentials"],
  ["169.254.169.123", 123, "time service"],
  ["169.254.169.253", 53, "cloud name server"],
  ["100.100.100.200", 80, "metadata service of another cloud"],
  ["8.8.8.8", 53, "public name server"],
  ["1.1.1.1", 443, "public address"],
  ["10.0.0.1", 80, "private network"],
  ["172.16.0.1", 80, "private network"],
  ["192.168.0.1", 80, "private network"],
  ["100.64.0.1", 80, "carrier network"],
  ["198.18.0.1", 80, "benchmark network"],
  ["224.0.0.1", 5353, "multicast"],
  ["fd00:ec2::254", 80, "metadata service, IPv6"],
  ["2001:4860:4860::8888", 53, "public name server, IPv6"],
  ["fd00::1", 80, "private network, IPv6"],
  ["ff02::1%lo", 5353, "multicast, IPv6"],
] as const;

export interface Neighbour {
  readonly port: number;
  readonly unixSocket: string;
  readonly abstractSocket: string;
}

export function networkAttacks(ground: Ground, neighbour: Neighbour): readonly Attack[] {
  const hosts = ["127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0"];
  if (ground.hasIpv6) hosts.push("::1", "::ffff:127.0.0.1");
  return [
    ...[...hosts, ...ground.addresses].map((host) => tcp(loopback, host, ground.port)),
    // Not the platform's own port: inside it is the sandbox's endpoint, and calls through it are row 8.
    { row: loopback, id: "a Unix socket of the host", ...unix(ground.unixSocket), control },
    {
      row: loopback,
      id: "an abstract socket of the host",
      ...unix(ground.abstractSocket),
      control,
    },
    tcp(neighbours, "127.0.0.1", neighbour.port),
    { row: neighbours, id: "a neighbour's Unix socket", ...unix(neighbour.unixSocket), control },
    {
      row: neighbours,
      id: "a neighbour's abstract socket",
      ...unix(neighbour.abstractSocket),
      control,
    },
    ...elsewhere.map(([host, port, what]): Attack => ({
      row: away,
      id: `a route to the ${what} ${host}`,
      operation: "route",
      given: { host, port },
      control,
      excuse: ({ code }) =>
        ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EINVAL"].includes(code)
          ? "this host has no route there either"
          : undefined,
    })),
  ];
}

function tcp(row: string, host: string, port: number): Attack {
  const where = row === neighbours ? "a neighbour's port" : `${host}:${port}`;
  return { row, id: `connect to ${where}`, operation: "tcp", given: { host, port }, control };
}

function unix(path: string): Pick<Attack, "operation" | "given"> {
  return { operation: "unix", given: { path } };
}
