const mainClass = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";

/**
 * How AWS starts Java: the heap is what metaspace (10 %, at most 160 MiB) and the code cache (5 %, at
 * most 80 MiB) leave; one collector thread; compilation stops at C1. The numbers are those of the
 * service's own command line, which its local tooling repeats for a function of 3,008 MB
 * (aws-sam-cli, lambda_debug_settings.py); C1:
 * https://docs.aws.amazon.com/lambda/latest/dg/java-customization.html
 *
 * A Java machine lets its command line win over JAVA_TOOL_OPTIONS, so each of these is left out where
 * the customer's options say something about the same thing.
 */
export function javaOptions({ memoryMiB, customerOptions, major, archive, classPath }) {
  return [
    ...defaults(memoryMiB)
      .filter(([, unless]) => !unless.test(customerOptions))
      .map(([option]) => option),
    ...sharedClasses(customerOptions, archive),
    // The client loads its native part; from Java 24 on that is a warning at every start (JEP 472).
    ...(major >= 24 ? ["--enable-native-access=ALL-UNNAMED"] : []),
    "-Djava.net.preferIPv4Stack=true",
    "-classpath",
    classPath.join(":"),
    mainClass,
  ];
}

function defaults(memoryMiB) {
  const memoryKiB = memoryMiB * 1024;
  const metaspaceKiB = Math.min(memoryKiB * 0.1, 160 * 1024);
  const codeCacheKiB = Math.min(memoryKiB * 0.05, 80 * 1024);
  const heapKiB = Math.floor(memoryKiB - metaspaceKiB - codeCacheKiB);
  return [
    [`-XX:MaxHeapSize=${heapKiB}k`, /-Xmx|MaxHeapSize|MaxRAMPercentage|MaxRAM=/],
    ["-XX:+UseSerialGC", /-XX:[+-]Use(Serial|Parallel|G1|Z|Shenandoah|Epsilon|ConcMarkSweep)/],
    ["-XX:+TieredCompilation", /TieredCompilation/],
    ["-XX:TieredStopAtLevel=1", /TieredCompilation|TieredStopAtLevel/],
  ];
}

/** An archive made for another collector or machine is passed over; that is nobody's news. */
function sharedClasses(customerOptions, archive) {
  if (archive === undefined || /-Xshare|SharedArchiveFile|AOTCache/.test(customerOptions))
    return [];
  return [`-XX:SharedArchiveFile=${archive}`, "-Xlog:cds=off", "-Xlog:cds+dynamic=off"];
}
