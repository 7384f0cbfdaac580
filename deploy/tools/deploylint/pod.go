package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// grace is the least time that a pod must have to stop: 60 s of draining, and what its hooks take.
const grace = 65

// checkPod holds a set's pods to what all of ours are: probed, given time to drain, without root, writes and privileges,
// and with every volume that is mounted.
func checkPod(set *apps.StatefulSet) (err error) {
	wrong := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	pod := set.Spec.Template.Spec
	if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds < grace {
		wrong("it is given less than %d s to stop", grace)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		wrong("its pods may speak to Kubernetes")
	}
	s := pod.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil ||
		s.FSGroupChangePolicy == nil || *s.FSGroupChangePolicy != core.FSGroupChangeOnRootMismatch {
		wrong("want runAsNonRoot, a seccomp profile, and fsGroupChangePolicy OnRootMismatch")
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		volumes[v.Name] = true
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		if bad := checkContainer(c, volumes); bad != nil {
			wrong("container %s: %w", c.Name, bad)
		}
	}
	for _, c := range pod.Containers {
		live, ready := c.LivenessProbe, c.ReadinessProbe
		if live == nil || live.HTTPGet == nil || live.HTTPGet.Path != "/healthz" || ready == nil || ready.HTTPGet == nil || ready.HTTPGet.Path != "/readyz" {
			wrong("container %s: want probes of /healthz and /readyz", c.Name)
		}
		if c.Resources.Requests.Cpu().IsZero() {
			wrong("container %s asks for no processor", c.Name)
		}
	}
	return err
}

func checkContainer(c core.Container, volumes map[string]bool) (err error) {
	wrong := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	s := c.SecurityContext
	if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
		s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation ||
		s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
		wrong("want a read-only root, no escalation and no capability")
	}
	if !pinned.MatchString(c.Image) {
		wrong("image %s has no version", c.Image)
	}
	at := map[string]bool{}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] || at[m.MountPath] {
			wrong("mount %s: no volume %s, or another mount is there", m.MountPath, m.Name)
		}
		at[m.MountPath] = true
	}
	known := map[string]bool{}
	for _, e := range c.Env {
		known[e.Name] = true
	}
	for _, arg := range c.Args {
		if _, after, ok := strings.Cut(arg, "$("); ok && strings.HasPrefix(arg, "--") {
			if name, _, _ := strings.Cut(after, ")"); !known[name] {
				wrong("%s: no variable %s", arg, name)
			}
		}
		if _, path, ok := strings.Cut(arg, "=@/"); ok && !at["/"+strings.SplitN(path, "/", 2)[0]] {
			wrong("%s: nothing is mounted there", arg)
		}
	}
	return err
}
