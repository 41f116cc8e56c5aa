#!/bin/sh
# Makes the namespace where it is missing. Closed workflows stay for 30 days:
# what must last longer is in the object store.
set -eu
until temporal operator cluster health; do
	sleep 1
done
temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
	temporal operator namespace create --namespace default --retention 30d
# Its cache of namespaces is up to ten seconds old, and so would be what the
# product reads.
until temporal operator search-attribute list --namespace default >/dev/null 2>&1; do
	sleep 1
done
