"""BlockHost's provisioner for libvirt: what the host's Python programs load of it. The installer's page is `wizard`."""
