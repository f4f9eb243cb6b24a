/** What docs/benchmarks.md says about how the figures came to be. */
export const method: readonly string[] = [
  "One run measures everything in one session: ours, the reference, ours, the reference, … (with peers: each in turn). One measurement of each comes before and is not counted, three where throughput is measured.",
  "Client, platform and reference share all cores of the machine; nothing is pinned. A peer or reference has the same share.",
  "Closed loop: `wrk --latency`, one thread, the connections named. Its own processor time is in no figure per request.",
  "Open loop: our generator on `node:http` with kept connections, in the process that measures; times count from the moment a request was due. Its lateness is said where it matters.",
  "Processor time per request: user and system time from /proc of every process of a side (platform, launcher, bubblewrap, sandboxes; children that ended included) over the load, divided by the answers.",
  "The platform runs as `skerry up` with its store on disk (LMDB) in sandboxes of bubblewrap with every defence on; functions get 1,769 MB, one processor's share.",
  "Cold starts have a warm page cache: what is measured is the machine's work, not its disk.",
  "Steal is the share of processor time that the hypervisor gave to others, in the worst round; rounds are not thrown away for it.",
  "A spread is nearest-rank over the measurements; where one measurement is a load of seconds, p50 and p99 are its own and the median is over the measurements.",
];

export const notMeasured: readonly string[] = [
  "Cold starts with a dropped page cache.",
  "Load generator and platform on separate cores: the machine has too few to give one away.",
  "A network between caller and platform; everything is loopback.",
  "OpenWhisk, Knative, Fission, Fn, OpenLambda, faasd, LocalStack's and floci's Lambda, Firecracker, Nightcore, Dirigent: they need Docker, Kubernetes, KVM or sources that no package registry has.",
];
