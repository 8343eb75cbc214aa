package reason

import "strings"

const (
	noMemory     = "killed, usually because the server ran out of memory: give it more memory or swap, or build elsewhere"
	appKilled    = "exit code 137 means killed, usually because memory ran out: raise the memory limit of the service, or give the server more"
	diskFull     = "usually the disk of the server is full: remove unused images and build cache there, then deploy again"
	noNetwork    = "the server could not reach that address: check its network and DNS, then deploy again"
	notLoggedIn  = "check the image's name, and its registry's credentials in Dokploy"
	noImage      = "check the name and the tag of the image"
	limited      = "the registry limits pulls: log in to it in Dokploy, or deploy again later"
	portTaken    = "something else on the server uses that port: free it, or publish a different one"
	gitRefused   = "check the Git provider or SSH key of the service: it must be allowed to read the repository"
	noRepository = "check the address of the repository, and the Git provider or SSH key of the service: a repository that may not be read is often reported as not found"
	hostKey      = "the server knows a different host key for the Git server, or none: if the new one is right, correct known_hosts there"
	noPlatform   = "the image is not built for the platform of the server"
	noDocker     = "Docker is not running on the server, or may not be used: check it there"
	noBranch     = "check the branch in the settings of the service"
	notCopied    = "the file must be committed, inside the build context, and not in .dockerignore"
	noDockerfile = "check the path of the Dockerfile, the build path and the context in the settings of the service"
	noTool       = "the server lacks that program: install it there, or choose a different build type"
	noPlan       = "the builder found nothing that it knows how to build: check the build path and the files in it"
	noStage      = "check the build stage in the settings of the service"
	noArgument   = "a build argument in this line has no value: set it in the settings of the service"
	heapFull     = "Node.js reached its own memory limit: raise it with NODE_OPTIONS=--max-old-space-size"
	notUpdated   = "Dokploy could not update the service in Swarm, and only its own log says why; right after another deployment of the service, deploying again helps"
	notFound127  = "exit code 127 usually means that the image has no such command"
	noStageFile  = "what --from names has no such file: check its path, and the stage that creates it"
	noStageNamed = "no stage above has that name, so it was taken for an image: check the name after --from"
)

// Advice says what to do about an error outside a build, such as that of a
// Swarm task; empty if that is obvious.
func Advice(cause string) string { return adviceOn(Reason{Cause: cause}) }

// adviceOn says what to do about a reason; empty if that is obvious.
func adviceOn(r Reason) string {
	output := strings.Join(r.Output, "\n")
	is := func(words ...string) bool { return containsFold(r.Cause, words...) }
	switch {
	case is(noSpace):
		return diskFull
	case r.Exit == 137:
		return "exit code 137 means " + noMemory
	case is("cannot allocate memory", "signal: killed"):
		return noMemory
	case r.Exit == 0 && is("exit (137)", "exit code 137"):
		return appKilled
	case r.Exit != 0 && killed(r.Output):
		return "a program was " + noMemory
	case r.Exit != 0 && containsFold(output, "exec format error"), is("exec format error", "no matching manifest for", "no match for platform in manifest"):
		return noPlatform
	case r.Exit != 0 && containsFold(output, "heap out of memory"):
		return heapFull
	case r.Exit == 127:
		return notFound127
	case r.Exit != 0, r.Cause == "":
		return ""
	case is("toomanyrequests", "too many requests", "rate limit"):
		return limited
	case is("port is already allocated", "address already in use", "as an ingress port", "port already in use"):
		return portTaken
	case is("code = alreadyexists") && is("object: service "): // Dokploy creates it where updating has failed
		return notUpdated
	case is("cannot connect to the docker daemon", "connect to the docker daemon socket"):
		return noDocker
	case is("remote branch "):
		return noBranch
	case is("no buildpack groups passed detection"), is("railpack could not determine how to build"), is("nixpacks was unable to generate a build plan"):
		return noPlan
	case is("git: "):
		return gitHint(r.Cause)
	case is("could not be found") && is("target stage"), is("failed to reach build target"):
		return noStage
	case is("failed to read dockerfile", "in dockerfile path"), is("the path ") && is("does not exist"),
		is("/.env: ") && is("nonexistent", "no such file"): // Dokploy writes it into the build path
		return noDockerfile
	case is("should not be blank", "invalid reference format") && strings.Contains(r.Instruction, "$"):
		return noArgument
	case is("secret ") && is(": not found") && strings.HasPrefix(r.Instruction, "RUN "):
		return "add it to the build secrets of the service"
	case namesStage(r.Instruction) && !strings.HasPrefix(r.Cause, `"`):
		return noStageNamed
	case copiesFrom(r.Instruction) != "" && strings.HasPrefix(r.Cause, `"`) && is("not found"):
		return noStageFile
	case copies(r.Instruction) && is("not found", "no such file", "does not exist"):
		return notCopied
	case r.Cause == "denied", strings.HasPrefix(r.Cause, "denied: "),
		is("pull access denied", "access to the resource is denied", "unauthorized", "authorization failed", "authentication required", "no basic auth credentials", "403 forbidden"):
		return notLoggedIn
	case is("no such host", "connection refused", "i/o timeout", "network is unreachable", "tls handshake timeout", "could not resolve host"):
		return noNetwork
	case is("manifest unknown", "manifest for ", "no such image"), (namesImage(r.Instruction) || copiesFrom(r.Instruction) != "") && is("not found"):
		return noImage
	case is("nixpacks: not found", "railpack: not found", "pack: not found", "docker: not found"):
		return noTool
	}
	return ""
}

func gitHint(cause string) string {
	if containsFold(cause, "could not resolve host", "connection refused", "timed out", "failed to connect", "connect to host") {
		return noNetwork
	}
	if containsFold(cause, "host key verification failed") {
		return hostKey
	}
	if containsFold(cause, "returned error: 40", "permission denied", "authentication failed", "could not read username", "could not read password", "load key", "access denied") {
		return gitRefused
	}
	if containsFold(cause, "not found", "does not exist") {
		return noRepository
	}
	return ""
}

// killed reports whether the last lines of an instruction say that a program
// was killed.
func killed(output []string) bool {
	for _, line := range output {
		if strings.TrimSpace(line) == "Killed" || containsFold(line, "signal: killed", "sigkill", "error 137", "code 137", "status 137") {
			return true
		}
	}
	return false
}

// copies reports whether an instruction copies files from the build context.
func copies(instruction string) bool {
	return copiesFrom(instruction) == "" && strings.HasPrefix(instruction, "COPY ") || strings.HasPrefix(instruction, "ADD ") && !strings.Contains(instruction, "://")
}

// copiesFrom returns the stage, image or context that an instruction copies
// from; empty for the build context.
func copiesFrom(instruction string) string {
	rest, ok := strings.CutPrefix(instruction, "COPY ")
	if !ok {
		return ""
	}
	for word := range strings.FieldsSeq(rest) {
		switch from, ok := strings.CutPrefix(word, "--from="); {
		case ok:
			return from
		case !strings.HasPrefix(word, "--"):
			return ""
		}
	}
	return ""
}

// namesImage reports whether an instruction, or a syntax line, names only an
// image.
func namesImage(instruction string) bool {
	return strings.HasPrefix(instruction, "FROM ") || strings.HasPrefix(instruction, "# syntax")
}

// namesStage reports whether an instruction copies from what looks like a stage
// rather than an image.
func namesStage(instruction string) bool {
	from := copiesFrom(instruction)
	return from != "" && !strings.ContainsAny(from, "/:@$")
}
