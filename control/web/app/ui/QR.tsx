import { create } from 'qrcode';
import styles from './QR.module.css';

/** Modules around the code that stay empty (ISO/IEC 18004). */
const quiet = 4;

/** value as a QR code, dark on light in both themes, since cameras know it no other way. name says what it holds. */
export function QR({ value, name }: { value: string; name: string }) {
  const { modules } = create(value, { errorCorrectionLevel: 'M' });
  const size = modules.size + 2 * quiet;
  let path = '';
  for (let row = 0; row < modules.size; row++)
    for (let column = 0; column < modules.size; column++)
      if (modules.get(row, column)) path += `M${column + quiet} ${row + quiet}h1v1h-1z`;
  return (
    <svg className={styles['qr']} viewBox={`0 0 ${size} ${size}`} role="img" aria-label={name}>
      <path d={path} />
    </svg>
  );
}
