export function writeSection(): void {}
