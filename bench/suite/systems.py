# SPDX-License-Identifier: Apache-2.0
"""The systems that `make bench` compares: how three servers of each are started, asked and ended.

Each works on ports of its own, keeps its data below one folder, and ends only what it started."""
import glob
import json
import os
import shutil
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PORT = 27800
WARM_UP = 0.5  # what each load does before it measures; the floor's does not


class Missing(Exception):
    """What is needed is not installed; says what to do."""


class System:
    name = ""
    title = ""

    def __init__(self, build, data):
        self.build = build
        self.data = os.path.join(data, self.name)
        self.processes = []
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data)

    def spawn(self, command, **options):
        log = open(os.path.join(self.data, "server%d.log" % len(self.processes)), "w")
        self.processes.append(
            subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **options))

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        shutil.rmtree(self.data, ignore_errors=True)

    def cpu_seconds(self):
        total = 0
        for process in self.processes:
            with open("/proc/%d/stat" % process.pid) as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mib(self):
        """Resident memory of each server."""
        sizes = []
        for process in self.processes:
            with open("/proc/%d/status" % process.pid) as file:
                sizes += [int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS")]
        return sizes

    def ask(self, command, timeout=120):
        """Runs a load; its last line is JSON.  Adds what the servers' processors did for each."""
        before = self.cpu_seconds()
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        after = self.cpu_seconds()
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode != 0 or not lines:
            raise RuntimeError("%s: %s" % (" ".join(command), done.stderr.strip()[-300:]))
        result = json.loads(lines[-1])
        warm_up = 0 if self.name == "floor" else WARM_UP
        whole = result["operations"] * (result["seconds"] + warm_up) / result["seconds"]
        result["cpu_us"] = (after - before) * 1e6 / max(whole, 1)
        return result

    def await_ready(self, command, seconds=30):
        until = time.monotonic() + seconds
        while True:
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=10)
                if done.returncode == 0:
                    return
                why = done.stderr.strip()
            except subprocess.TimeoutExpired:
                why = "no answer"
            if time.monotonic() > until:
                raise RuntimeError("%s does not start: %s" % (self.name, why[-300:]))
            time.sleep(0.2)


class Copycat(System):
    name = "copycat"
    title = "Copycat"

    def start(self):
        members = ["127.0.0.1:%d" % (PORT + i) for i in range(3)]
        named = ",".join("%d=%s" % (i + 1, address) for i, address in enumerate(members))
        for i in range(3):
            self.spawn([os.path.join(self.build, "cmd/copycatd/copycatd"), "--id=%d" % (i + 1),
                        "--members=" + named, "--listen=" + members[i],
                        "--data-dir=" + os.path.join(self.data, str(i + 1))])
        self.servers = ",".join(members)
        self.program = os.path.join(self.build, "cmd/copycat/copycat")
        self.await_ready([self.program, "status", "--servers=" + self.servers])

    def run(self, operation, connections, window, options):
        command = [self.program, "bench", "put" if operation == "put" else "get",
                   "--servers=" + self.servers, "--clients=%d" % connections,
                   "--window=%d" % window, "--seconds=%dms" % int(options.seconds * 1000),
                   "--value-size=%d" % options.value_size, "--keys=%d" % options.keys,
                   "--probe-dir=" + self.data, "--keep", "--json"]
        if operation != "put":
            command.append("--consistency=" + operation)
        return self.ask(command)


class Floor(System):
    name = "floor"
    title = "the floor"

    def start(self):
        self.program = os.path.join(self.build, "bench/suite/quorum_floor")
        ports = [str(PORT + 10 + i) for i in range(3)]
        files = [os.path.join(self.data, port) for port in ports]
        self.spawn([self.program, "follower", ports[1], files[1]])
        self.spawn([self.program, "follower", ports[2], files[2]])
        self.spawn([self.program, "leader", ports[0], files[0], ports[1], ports[2]])
        self.port = ports[0]
        self.await_ready([self.program, "load", self.port, "1", "1", "0.1", "100"])

    def run(self, operation, connections, window, options):
        if operation != "put":
            return None
        return self.ask([self.program, "load", self.port, str(connections), str(window),
                         str(options.seconds), str(options.value_size)])


class Etcd(System):
    name = "etcd"
    title = "etcd"
    packages = "etcd-server etcd-client golang-go golang-etcd-server-dev"
    operations = {"put": "put", "linearizable": "get", "eventual": "get-serializable"}

    def start(self):
        if not shutil.which("etcd") or not shutil.which("go"):
            raise Missing("apt-get install -y --no-install-recommends " + self.packages)
        self.load = os.path.join(self.data, "etcd_load")
        source = os.path.join(os.path.dirname(__file__), "etcd_load.go")
        built = subprocess.run(
            ["go", "build", "-o", self.load, source], capture_output=True, text=True,
            env=dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode",
                     GOCACHE=os.path.join(self.build, "gocache")))
        if built.returncode != 0:
            raise Missing("apt-get install -y --no-install-recommends %s (%s)"
                          % (self.packages, built.stderr.strip()[:200]))
        clients = ["http://127.0.0.1:%d" % (PORT + 20 + i) for i in range(3)]
        peers = ["http://127.0.0.1:%d" % (PORT + 30 + i) for i in range(3)]
        cluster = ",".join("n%d=%s" % (i, peer) for i, peer in enumerate(peers))
        for i in range(3):
            self.spawn(["etcd", "--name", "n%d" % i, "--data-dir", os.path.join(self.data, str(i)),
                        "--listen-client-urls", clients[i], "--advertise-client-urls", clients[i],
                        "--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
                        "--initial-cluster", cluster, "--initial-cluster-state", "new",
                        "--quota-backend-bytes", str(8 << 30), "--logger", "zap",
                        "--log-level", "error"])
        self.servers = ",".join(client[len("http://"):] for client in clients)
        self.await_ready([self.load, "put", self.servers, "1", "1", "0.1", "100", "1"])

    def run(self, operation, connections, window, options):
        if operation not in self.operations:
            return None
        return self.ask([self.load, self.operations[operation], self.servers, str(connections),
                         str(window), str(options.seconds), str(options.value_size),
                         str(options.keys)])


class ZooKeeper(System):
    name = "zookeeper"
    title = "ZooKeeper"
    packages = "zookeeper libzookeeper-mt-dev default-jre-headless"
    operations = {"put": "set", "eventual": "get"}  # its reads are any server's
    jars = ("zookeeper zookeeper-jute slf4j-api slf4j-nop netty-all metrics-core snappy-java "
            "commons-cli commons-io audience-annotations").split()

    def start(self):
        self.load = os.path.join(self.build, "bench/suite/zookeeper_load")
        jars = [jar for name in self.jars for jar in glob.glob("/usr/share/java/%s.jar" % name)]
        if not shutil.which("java") or not os.path.exists(self.load) or len(jars) < 5:
            raise Missing("apt-get install -y --no-install-recommends %s; then build again"
                          % self.packages)
        for i in range(3):
            folder = os.path.join(self.data, str(i))
            os.makedirs(folder)
            with open(os.path.join(folder, "myid"), "w") as file:
                file.write("%d\n" % (i + 1))
            path = os.path.join(self.data, "zoo%d.cfg" % i)
            with open(path, "w") as file:
                file.write("tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=%s\nclientPort=%d\n"
                           "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
                           "maxClientCnxns=0\n" % (folder, PORT + 40 + i))
                for j in range(3):
                    file.write("server.%d=127.0.0.1:%d:%d\n" % (j + 1, PORT + 50 + j, PORT + 60 + j))
            self.spawn(["java", "-Xmx2g", "-Dzookeeper.log.dir=" + self.data, "-cp", ":".join(jars),
                        "org.apache.zookeeper.server.quorum.QuorumPeerMain", path])
        self.servers = ",".join("127.0.0.1:%d" % (PORT + 40 + i) for i in range(3))
        self.await_ready([self.load, "set", self.servers, "1", "1", "0.1", "100", "1"], 60)

    def run(self, operation, connections, window, options):
        if operation not in self.operations:
            return None
        return self.ask([self.load, self.operations[operation], self.servers, str(connections),
                         str(window), str(options.seconds), str(options.value_size),
                         str(options.keys)])


ALL = (Copycat, Floor, Etcd, ZooKeeper)
