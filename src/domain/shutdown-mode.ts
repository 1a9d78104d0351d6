/** How a graceful shutdown is asked for: through the guest agent, or by the ACPI power button. */
export type ShutdownMode = 'agent' | 'acpi';
