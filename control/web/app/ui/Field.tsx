import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import {
  FieldError,
  Input,
  Label,
  Text,
  TextArea,
  TextField,
  ToggleButton,
  type TextFieldProps,
} from 'react-aria-components';
import { type Control, Controller, type FieldPath, type FieldValues } from 'react-hook-form';
import { useT } from '../shell/words';
import styles from './Field.module.css';

interface Props<T extends FieldValues> extends Pick<
  TextFieldProps,
  'autoComplete' | 'inputMode' | 'maxLength'
> {
  control: Control<T>;
  name: FieldPath<T>;
  label: string;
  hint?: string;
  type?: 'text' | 'email' | 'password';
  /** Several lines. */
  lines?: number;
}

/** A text input of a form, with its label, a hint, and what is wrong with it. */
export function Field<T extends FieldValues>({
  control,
  name,
  label,
  hint,
  type = 'text',
  lines,
  ...rest
}: Props<T>) {
  const t = useT();
  const [shown, setShown] = useState(false);
  return (
    <Controller
      control={control}
      name={name}
      render={({ field, fieldState }) => (
        <TextField
          {...rest}
          className={styles['field'] ?? ''}
          name={field.name}
          value={field.value}
          onChange={field.onChange}
          onBlur={field.onBlur}
          isInvalid={fieldState.invalid}
          validationBehavior="aria"
          type={type === 'password' && shown ? 'text' : type}
        >
          <Label>{label}</Label>
          {hint !== undefined && (
            <Text slot="description" className={styles['hint'] ?? ''}>
              {hint}
            </Text>
          )}
          {lines !== undefined ? (
            <TextArea ref={field.ref} rows={lines} className={styles['input'] ?? ''} />
          ) : (
            <div className={styles['row']}>
              <Input ref={field.ref} className={styles['input'] ?? ''} spellCheck={type === 'text'} />
              {type === 'password' && (
                <ToggleButton
                  className={`button quiet ${styles['eye'] ?? ''}`}
                  aria-label={t('field.show', { name: label })}
                  isSelected={shown}
                  onChange={setShown}
                >
                  {shown ? <EyeOff size={20} /> : <Eye size={20} />}
                </ToggleButton>
              )}
            </div>
          )}
          <FieldError className={styles['error'] ?? ''}>{fieldState.error?.message}</FieldError>
        </TextField>
      )}
    />
  );
}
